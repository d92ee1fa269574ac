"""What the API's operations are made of: parameters, answers, schemas, ways to prove who asks."""

from __future__ import annotations

from typing import Any, get_args

from addon.playback.encoded import EncodedFormat
from addon.playback.grants import MAX_LIFETIME_S, Purpose
from addon.web.api.parameters import DEFAULT_EXPIRES_S, DEFAULT_LIMIT, MAX_CURSOR, MAX_LIMIT
from addon.web.api.recordings import MAX_REASON

Json = dict[str, Any]

SECURITY: Json = {
    "token": {"type": "http", "scheme": "bearer", "description": "From `flask tokens issue`."},
    "flex": {
        "type": "http",
        "scheme": "basic",
        "description": "User name `token`, password the agent's Flex token.",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Twilio-Signature",
        "description": "As Twilio signs its webhooks.",
    },
}

ID = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"}
TIME = {"type": ["string", "null"], "format": "date-time"}
SECONDS = {"type": ["number", "null"], "minimum": 0}
HASH = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def ref(name: str) -> Json:
    """A schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Json, required: list[str] | None = None) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
    }


def _list_of(items: Json) -> Json:
    return {"type": "array", "items": items}


_FILE = {
    "file_id": ID,
    "start_time": TIME,
    "stop_time": TIME,
    "file_size": {"type": "integer", "minimum": 0, "description": "Bytes, decrypted."},
    "format": {"type": "string", "examples": ["wav"]},
    "sha256": {**HASH, "description": "Of the archived audio, decrypted."},
}

_RECORDING = {
    "id": ID,
    "install": {**ID, "description": "The install (XD…), or the Flex account, that it belongs to."},
    "call_sid": {"type": ["string", "null"]},
    "request_sid": {"type": "string"},
    "source": {"type": "string", "enum": ["marketplace", "flex", "ringcentral"]},
    "format": {"type": "string"},
    "channels": {"type": ["integer", "null"]},
    "duration_seconds": SECONDS,
    "started_at": TIME,
    "received_at": TIME,
    "archived_at": TIME,
    "redacted": {"type": "boolean", "description": "Whether tones or numbers were muted."},
    "redaction": _object(
        {
            "status": {
                "type": ["string", "null"],
                "enum": ["complete", "incomplete", "off", None],
                "description": "Whether all digits are muted; null where it is not known.",
            },
            "status_reason": {"type": "string", "description": "Why `status` is null."},
            "reason": {"type": "string", "description": "Why digits may remain."},
        },
        ["status"],
    ),
    "playable": {
        "type": "boolean",
        "description": "False where the recording is withheld (REDACT_DTMF=required).",
    },
    "received_sha256": {**HASH, "description": "Of the bytes received, before redaction."},
    "files": _list_of(ref("File")),
}

_ANALYSIS = {
    "analysis": {
        "type": ["object", "null"],
        "description": "The result as it was posted to the callback.",
    },
    "analysis_reason": {"type": "string", "description": "Why `analysis` is null."},
}

SCHEMAS: Json = {
    "File": _object(_FILE),
    "Recording": _object(_RECORDING),
    "AnalysedRecording": _object(_RECORDING | _ANALYSIS, [*_RECORDING, "analysis"]),
    "Page": _object(
        {
            "recordings": _list_of(ref("Recording")),
            "next_cursor": {"type": ["string", "null"], "description": "Null on the last page."},
        }
    ),
    "Call": _object(
        {
            "call_sid": ID,
            "install": ID,
            "duration_seconds": SECONDS,
            "recordings": _list_of(ID),
            "files": _list_of(ref("File")),
        }
    ),
    "Link": _object(
        {
            "signed_url": {"type": "string", "format": "uri"},
            "expires": {"type": "integer", "description": "Unix seconds at which it ends."},
        }
    ),
    "Ciphertext": _object(
        {
            "signed_url": {"type": "string", "format": "uri"},
            "encryption": {"type": "object", "description": "What a holder of the key needs."},
            "open_with": {"type": "string"},
        }
    ),
    "Waveform": _object(
        {
            "version": {"const": 2},
            "channels": {"type": "integer", "minimum": 1},
            "sample_rate": {"type": "integer"},
            "samples_per_pixel": {"type": "integer"},
            "bits": {"enum": [8, 16]},
            "length": {"type": "integer"},
            "data": _list_of({"type": "integer"}),
        }
    ),
    "Trail": _object(
        {
            "id": ID,
            "events": _list_of(
                {
                    "type": "object",
                    "properties": {"at": {"type": "string"}, "event": {"type": "string"}},
                    "required": ["at", "event"],
                }
            ),
        }
    ),
    "MediaUrl": _object({"media_url": {"type": "string", "format": "uri"}}),
    "Problem": _object(
        {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "code": {"type": "integer", "description": "Of the kind of error, for programs."},
            "remedy": {"type": "string", "description": "What helps, for people."},
        },
        ["type", "title", "status", "detail"],
    ),
    "Rejection": _object(
        {
            "status": {"const": "failed"},
            "code": {"type": "integer"},
            "message": {"type": "string"},
            "request_sid": {"type": ["string", "null"]},
        }
    ),
}


def in_path(name: str, description: str, schema: Json = ID) -> Json:
    """A parameter of the path."""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
    }


def in_query(name: str, description: str, schema: Json, *, required: bool = False) -> Json:
    """A parameter of the query."""
    found = {"name": name, "in": "query", "description": description, "schema": schema}
    return found | ({"required": True} if required else {})


def in_header(name: str, description: str) -> Json:
    """A header that is looked at."""
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


RECORDING_ID = in_path("recording_id", "RE… where the source gives one, else the request SID.")
CALL_SID = in_path("call_sid", "The call (CA…).")
INSTALL = in_query("install", "With a token for every install: which one is meant.", ID)
EXPIRES = in_query(
    "expires",
    "Seconds that the link is good for.",
    {"type": "integer", "minimum": 1, "maximum": MAX_LIFETIME_S, "default": DEFAULT_EXPIRES_S},
)
PURPOSE = in_query(
    "purpose",
    "`listen` plays as often as it likes until it ends; `download` works once.",
    {"type": "string", "enum": list(get_args(Purpose)), "default": "listen"},
)
FORMAT = in_query(
    "format",
    "Converted while it is sent, for taking away; without it, the audio as it was recorded.",
    {"type": "string", "enum": list(get_args(EncodedFormat))},
)
DIRECT = in_query(
    "direct",
    "1: the ciphertext's own short-lived address, and how it is sealed; buckets only.",
    {"type": "string", "enum": ["0", "1"], "default": "0"},
)
FILE_ID = in_query("file_id", "One part of the call; without it, all of them joined.", ID)
CALL_FILTER = in_query("call_sid", "Of one call.", ID)
DATE = in_query("date", "Of one UTC day.", {"type": "string", "format": "date"})
CURSOR = in_query("cursor", "What `next_cursor` said.", {"type": "string", "maxLength": MAX_CURSOR})
LIMIT = in_query(
    "limit",
    "Entries of a page.",
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
)
REASON = in_query(
    "reason",
    "StoredResult in the tombstone and the access log.",
    {"type": "string", "maxLength": MAX_REASON},
)
RANGE = in_header("Range", "Bytes, one range or several (RFC 9110 14.2).")
IF_RANGE = in_header("If-Range", "The ETag; another one means the whole audio.")


def json_answer(description: str, schema: Json) -> Json:
    """An answer in JSON."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def problem(description: str) -> Json:
    """An answer that is a problem document."""
    return {
        "description": description,
        "content": {"application/problem+json": {"schema": ref("Problem")}},
    }
