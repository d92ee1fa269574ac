"""Every path of the API: who may ask what, and all that can be answered."""

from __future__ import annotations

from typing import Any

from addon.web.openapi.parts import (
    CALL_FILTER,
    CALL_SID,
    CURSOR,
    DATE,
    DIRECT,
    EXPIRES,
    FILE_ID,
    FORMAT,
    IF_RANGE,
    INSTALL,
    LIMIT,
    PURPOSE,
    RANGE,
    REASON,
    RECORDING_ID,
    in_header,
    in_path,
    in_query,
    json_answer,
    problem,
    ref,
)

Json = dict[str, Any]

TAGS = [
    {"name": "Recordings", "description": "What was recorded, and what was found out about it."},
    {"name": "Calls", "description": "All recordings of one call, joined on the fly."},
    {"name": "Links", "description": "Addresses that carry their own permission."},
    {"name": "Twilio", "description": "What Twilio calls."},
    {"name": "Operation", "description": "For whoever runs the service."},
]

_PROBLEMS = {
    "400": "A parameter is not of its form; the problem names it.",
    "401": "No valid credentials.",
    "403": "Known, but without the right; a forged link; or, with code 64707, a recording that is"
    " withheld because digits may remain in it.",
    "404": "Nothing here by this name, or another install's.",
    "409": "A retention lock holds it until its date.",
    "410": "The link has expired, or was used.",
    "416": "No such range; Content-Range gives the length.",
    "422": "There, but not in the form that was asked for.",
    "429": "Too often; wait as long as Retry-After says.",
    "502": "The store gave something that was not what was written.",
    "503": "Something we depend on does not answer; try again.",
}


def _problems(*statuses: str) -> Json:
    return {status: problem(_PROBLEMS[status]) for status in statuses}


def _audio(description: str) -> Json:
    binary = {"schema": {"type": "string", "format": "binary"}}
    kinds = ("audio/*", "application/octet-stream")
    partial = {**dict.fromkeys(kinds, binary), "multipart/byteranges": binary}
    return {
        "200": {"description": description, "content": dict.fromkeys(kinds, binary)},
        "206": {"description": "The ranges that were asked for.", "content": partial},
        "304": {"description": "If-None-Match names what there is."},
        "412": {"description": "If-Match names something else."},
    }


def _operation(
    name: str,
    tag: str,
    summary: str,
    responses: Json,
    *,
    parameters: tuple[Json, ...] = (),
    security: str | None = "token",
    description: str = "",
) -> Json:
    found: Json = {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "parameters": list(parameters),
        "responses": responses,
        "security": [{security: []}] if security else [],
    }
    return found | ({"description": description} if description else {})


_ASKED = ("400", "401", "404", "429", "502", "503")
"""What any operation of the API can answer besides what it is for."""

_HEARD = (*_ASKED, "403", "416", "422")

_RECORDINGS: Json = {
    "/api/v1/recordings": {
        "get": _operation(
            "listRecordings",
            "Recordings",
            "List recordings in the order of time",
            {"200": json_answer("A page.", ref("Page"))} | _problems(*_ASKED),
            parameters=(INSTALL, CALL_FILTER, DATE, CURSOR, LIMIT),
            description="All of the install, of a UTC day, or of a call. A token for every install"
            " lists them one install after the other, or the one that `install` names.",
        )
    },
    "/api/v1/recordings/{recording_id}": {
        "get": _operation(
            "getRecording",
            "Recordings",
            "Describe a recording, with its analysis",
            {"200": json_answer("The recording.", ref("AnalysedRecording"))} | _problems(*_ASKED),
            parameters=(RECORDING_ID, INSTALL),
        ),
        "delete": _operation(
            "eraseRecording",
            "Recordings",
            "Erase a recording for good",
            {"204": {"description": "Gone; a signed tombstone and the access log remain."}}
            | _problems(*_ASKED, "409"),
            parameters=(RECORDING_ID, INSTALL, REASON),
        ),
    },
    "/api/v1/recordings/{recording_id}/file": {
        "get": _operation(
            "getRecordingFile",
            "Recordings",
            "The audio",
            _audio("The audio: as recorded, or in the format asked for.") | _problems(*_HEARD),
            parameters=(RECORDING_ID, INSTALL, FORMAT, RANGE, IF_RANGE),
            description="GSM and ADPCM, which browsers do not play, come as 16-bit PCM.",
        )
    },
    "/api/v1/recordings/{recording_id}/file_url": {
        "get": _operation(
            "linkToRecording",
            "Links",
            "A link to the audio that needs no token",
            {
                "200": json_answer(
                    "The link; with `direct=1`, the ciphertext's address.",
                    {"anyOf": [ref("Link"), ref("Ciphertext")]},
                )
            }
            | _problems(*_ASKED, "403", "422"),
            parameters=(RECORDING_ID, INSTALL, EXPIRES, PURPOSE, FORMAT, DIRECT),
            description="Make it when it is pressed, not before: answer your listener with a"
            " redirect to it.",
        )
    },
    "/api/v1/recordings/{recording_id}/peaks": {
        "get": _operation(
            "getPeaks",
            "Recordings",
            "The waveform",
            {"200": json_answer("audiowaveform, version 2.", ref("Waveform"))}
            | _problems(*_ASKED, "403", "422"),
            parameters=(RECORDING_ID, INSTALL),
        )
    },
    "/api/v1/recordings/{recording_id}/audit": {
        "get": _operation(
            "getTrail",
            "Recordings",
            "Who did what to it",
            {"200": json_answer("The events, oldest first.", ref("Trail"))} | _problems(*_ASKED),
            parameters=(RECORDING_ID, INSTALL),
            description="Links given, what was heard, who was refused. Erased recordings keep it.",
        )
    },
}

_CALLS: Json = {
    "/api/v1/calls/{call_sid}": {
        "get": _operation(
            "getCall",
            "Calls",
            "What was recorded of a call",
            {"200": json_answer("The call.", ref("Call"))} | _problems(*_ASKED, "422"),
            parameters=(CALL_SID, INSTALL),
        )
    },
    "/api/v1/calls/{call_sid}/file": {
        "get": _operation(
            "getCallFile",
            "Calls",
            "The call's audio, all parts as one",
            _audio("One WAV file of all parts, or the part asked for.") | _problems(*_HEARD),
            parameters=(CALL_SID, INSTALL, FILE_ID, FORMAT, RANGE, IF_RANGE),
            description="Parts of one format are joined untouched, others are converted to 16-bit"
            " PCM. Only what the ranges touch is decrypted.",
        )
    },
    "/api/v1/calls/{call_sid}/file_url": {
        "get": _operation(
            "linkToCall",
            "Links",
            "A link to the call's audio that needs no token",
            {"200": json_answer("The link.", ref("Link"))} | _problems(*_ASKED, "403", "422"),
            parameters=(CALL_SID, INSTALL, FILE_ID, EXPIRES, PURPOSE, FORMAT),
        )
    },
}

_GRANT = in_path("token", "The grant.", {"type": "string"})
_MEDIA = _audio("The audio.") | _problems("400", "403", "404", "410", "416", "422", "502", "503")
_PREFLIGHT: Json = {"204": {"description": "CORS headers, for the origins of PLAYER_ORIGINS."}}

_LINKS: Json = {
    "/media/{token}": {
        method: _operation(
            name,
            "Links",
            summary,
            _MEDIA,
            parameters=(_GRANT, FORMAT, RANGE, IF_RANGE),
            security=None,
        )
        for method, name, summary in (
            ("get", "play", "The audio that a grant is for"),
            ("head", "lookAtAudio", "Its headers alone"),
        )
    }
    | {
        "options": _operation(
            "mediaPreflight",
            "Links",
            "What a browser asks before a script may send a Range",
            _PREFLIGHT,
            parameters=(_GRANT,),
            security=None,
        )
    },
}

_TWILIO: Json = {
    "/flex/playback": {
        "get": _operation(
            "flexPlayback",
            "Twilio",
            "The Flex Insights Player asks where to play",
            {"200": json_answer("Where.", ref("MediaUrl"))}
            | _problems("400", "401", "403", "404", "429", "502", "503"),
            parameters=(
                in_query("recording_sid", "RE…", {"type": "string"}, required=True),
                in_header("Origin", "One of PLAYER_ORIGINS, or a script may not read the answer."),
            ),
            security="flex",
        ),
        "options": _operation(
            "flexPreflight",
            "Twilio",
            "What the browser asks first, without credentials",
            _PREFLIGHT | _problems("429"),
            security=None,
        ),
    },
    "/flex/recording-status": {
        method: _operation(
            name,
            "Twilio",
            "Twilio says how a recording is doing",
            {
                "204": {"description": "StoredResult, or nothing to do."},
                "403": {"description": "The signature is missing or wrong."},
                "503": {"description": "It could not be kept; the reconciliation finds it."},
            },
            security="signature",
        )
        for method, name in (("post", "recordingStatus"), ("get", "recordingStatusByGet"))
    },
    "/recording-analysis": {
        "post": _operation(
            "analyse",
            "Twilio",
            "The Marketplace hands over a recording",
            {
                "200": json_answer("It can never succeed.", ref("Rejection")),
                "202": {"description": "Durable; the result goes to the callback."},
                "403": {"description": "The signature is missing or wrong."},
                "503": {"description": "It could not be made durable; send it again."},
            },
            security="signature",
        )
    },
}

_METRICS = {"text/plain": {"schema": {"type": "string"}}}
_STATE = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}

_OPERATION: Json = {
    "/healthz": {
        "get": _operation(
            "healthz",
            "Operation",
            "Whether the process answers",
            {"200": json_answer("It does.", _STATE)},
            security=None,
        )
    },
    "/metrics": {
        "get": _operation(
            "metrics",
            "Operation",
            "All metrics, for Prometheus",
            {
                "200": {"description": "The metrics of all machines.", "content": _METRICS},
                "401": {"description": "METRICS_TOKEN, or a scraper on this very machine."},
                "503": {"description": "Redis does not answer."},
            },
            security=None,
        )
    },
    "/readyz": {
        "get": _operation(
            "readyz",
            "Operation",
            "Whether invocations can be accepted",
            {
                "200": json_answer("They can.", _STATE),
                "503": json_answer("What is missing for it.", _STATE),
            },
            security=None,
        )
    },
}

PATHS: Json = _RECORDINGS | _CALLS | _LINKS | _TWILIO | _OPERATION
