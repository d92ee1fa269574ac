"""Recordings and calls as the API writes them in JSON: names and units are the documented ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

from addon.archive.manifest import Manifest
from addon.archive.names import Entry, Unreadable
from addon.archive.notes import Note
from addon.call_facts import NOT_ASKED, facts_of
from addon.errors import KeyMissing, NotStored
from addon.requests import results
from addon.web import schemas
from addon.web.context import context
from addon.web.schemas import (
    Analysis,
    Call,
    Facts,
    File,
    Holding,
    LegalHold,
    Recording,
    Redaction,
    UnreadableRecording,
)

UNKNOWN = {
    "call_sid": "Its source did not say which call it is of.",
    "channels": "It was archived as it came: nothing here could read it.",
    "duration_seconds": "It was archived as it came: nothing here could read it.",
    "started_at": "Its source did not say when it began; received_at is when it came.",
}
"""Why a fact of a recording is null, by its name."""


def listed(entry: Entry) -> Recording | UnreadableRecording | None:
    """A recording of a listing, or its trouble; None where it was erased, or the entry is planted.

    Raises StoreUnavailable.
    """
    found = context().archive.examined(entry)
    if isinstance(found, Unreadable):
        return unreadable(found)
    return None if found is None else recording(found)


def unreadable(found: Unreadable) -> UnreadableRecording:
    """A recording of which nothing can be told but its trouble."""
    entry = found.entry
    return {"id": entry.recording_id, "install": entry.tenant, "trouble": found.trouble}


def recording(manifest: Manifest) -> Recording:
    """One recording, without its analysis."""
    facts = manifest.facts
    document: Recording = {
        "id": manifest.recording_id,
        "install": manifest.tenant,
        "call_sid": facts.call_sid,
        "request_sid": facts.request_sid,
        "source": facts.source,
        "format": facts.format,
        "channels": facts.channels,
        "duration_seconds": facts.duration_seconds,
        "started_at": _time(facts.started_at),
        "received_at": _time(facts.received_at),
        "archived_at": _time(manifest.written_at),
        "redacted": facts.redacted,
        "redaction": _redaction(manifest),
        "playable": context().player.withheld(manifest) is None,
        "received_sha256": facts.received_sha256,
        "files": [file(manifest)],
    }
    unknown = {
        f"{name}_reason": reason for name, reason in UNKNOWN.items() if document.get(name) is None
    }
    return cast(Recording, {**document, **unknown})


def holding(manifest: Manifest) -> Holding:
    """The legal hold of a recording. Raises StoreUnavailable."""
    found = context().archive.holds.get(manifest.tenant, manifest.recording_id)
    if found is None:
        return {"legal_hold": None, "legal_hold_reason": "Nobody placed one."}
    hold: LegalHold = {"since": _time(found.at), "by": found.by, "reason": found.reason}
    if found.trouble:
        hold["trouble"] = found.trouble
    return {"legal_hold": hold}


def file(manifest: Manifest) -> File:
    """One of `files`: sizes and hash are those of the audio as it is archived, decrypted."""
    facts = manifest.facts
    stop = None
    if facts.started_at is not None and facts.duration_seconds is not None:
        stop = facts.started_at + timedelta(seconds=facts.duration_seconds)
    return {
        "file_id": manifest.recording_id,
        "start_time": _time(facts.started_at),
        "stop_time": _time(stop),
        "file_size": manifest.audio.plaintext_size,
        "format": facts.format,
        "sha256": manifest.audio.plaintext_sha256,
    }


def call(call_sid: str, tenant: str, found: Sequence[Manifest | Unreadable]) -> Call:
    """A call: its recordings in the order of time, and each as one of `files`.

    Of one that cannot be read `trouble` tells; the call's duration is not known then.
    """
    manifests = [one for one in found if isinstance(one, Manifest)]
    manifests.sort(key=lambda manifest: manifest.place_in_call)
    bad = [one for one in found if isinstance(one, Unreadable)]
    known = [one.facts.duration_seconds for one in manifests]
    total = sum(seconds or 0 for seconds in known)
    return {
        "call_sid": call_sid,
        "install": tenant,
        "duration_seconds": None if bad or None in known else round(total, 3),
        "recordings": [one.recording_id for one in manifests],
        "files": [file(one) for one in manifests],
        "unreadable": [unreadable(one) for one in bad],
    }


def analysis(manifest: Manifest) -> Analysis:
    """`analysis` and `call`, and why they are null where they are.

    Raises Tampered, StoreUnavailable.
    """
    try:
        document = context().archive.analysis(manifest.tenant, manifest.recording_id)
    except NotStored:
        return _without("The recording was archived as it came.", NOT_ASKED)
    except KeyMissing:
        return _without("This server has no key to open it.")
    call = facts_of(document)
    document.pop("call", None)
    reason = context().player.withheld(manifest)
    if document["result"] and reason is not None:
        document["result"] = results.unheard(document["result"], f"{reason}.")
    return {"call": cast(Facts, call), "analysis": document}


def _without(reason: str, call_reason: str | None = None) -> Analysis:
    call = facts_of(None, call_reason or reason)
    return {"call": cast(Facts, call), "analysis": None, "analysis_reason": reason}


def note(found: Note) -> schemas.Note:
    """A note; of one that cannot be believed `trouble` tells, and it has no text."""
    document: schemas.Note = {
        "id": found.id,
        "at_seconds": found.at_seconds,
        "author": found.author,
        "written_at": _time(found.written_at),
        "text": found.text,
    }
    return document if found.trouble is None else {**document, "trouble": found.trouble}


def _redaction(manifest: Manifest) -> Redaction:
    """The redaction by the manifest; its status is null where that says nothing."""
    facts = manifest.facts
    if facts.redaction is None:
        return {"status": None, "status_reason": "It was archived before this was recorded."}
    if not facts.redaction_reason:
        return {"status": facts.redaction}
    return {"status": facts.redaction, "reason": facts.redaction_reason}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds")
