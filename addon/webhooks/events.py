"""Events that integrators are told of, and their payloads.

A payload holds identifiers, figures and fixed words; never a word that was said, a number or a
name. A receiver fetches those over the API with its token. The id of an event follows from what it
tells of, so that one that is promised twice is the same event.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, get_args

from addon.archive.manifest import Manifest
from addon.stored_documents import StoredDocument

EventType = Literal[
    "recording.ready",
    "recording.failed",
    "recording.redacted",
    "recording.erased",
    "category.matched",
]

TYPES: tuple[EventType, ...] = get_args(EventType)

NO_FIGURES = "They are not at hand where the event was made: ask the API."
"""After a crash, and for an answer that came too late, the analysis is in the archive alone."""

FIGURES = (
    "agent_talk_seconds",
    "customer_talk_seconds",
    "silence_seconds",
    "crosstalk_seconds",
    "longest_silence_seconds",
)
"""The figures of `conversation` that `recording.ready` has; docs/analysis.md defines them."""


@dataclass(frozen=True)
class Event(StoredDocument):
    """One event, as it is stored until every endpoint has it.

    `generation` is that of the manifest from which on the event is true, where it is promised
    before: it is sent when the manifest has it. None: it is true already.
    """

    KIND: ClassVar[str] = "webhook event"

    id: str
    type: str
    install: str
    recording_id: str
    occurred_at: str
    data: dict[str, Any] = field(default_factory=dict)
    generation: int | None = None
    version: int = 1

    @property
    def body(self) -> str:
        """The payload as it is signed and sent: the same bytes at every try."""
        document = {"type": self.type, "timestamp": self.occurred_at, "data": self.data}
        return json.dumps(document, separators=(",", ":"), allow_nan=False)


def of_analysis(
    manifest: Manifest,
    result: Mapping[str, Any] | None,
    *,
    generation: int | None = None,
    kinds: Iterable[EventType] = ("recording.ready", "recording.redacted", "category.matched"),
) -> list[Event]:
    """The events of a recording that was analysed: ready, and where it applies muted, matched.

    `result` is its result where it is at hand. `generation` is that of the manifest to come, where
    the recording is being analysed again. Only events of these `kinds` are made.
    """
    version = generation or manifest.generation
    found: dict[EventType, dict[str, Any]] = {"recording.ready": _ready(manifest, result)}
    if manifest.facts.redacted:
        found["recording.redacted"] = _redacted(manifest, result)
    matched = _matched(result)
    if matched:
        found["category.matched"] = {"categories": matched}
    return [
        _event(kind, _about(manifest, version), found[kind], generation=generation)
        for kind in kinds
        if kind in found
    ]


def failed(
    *,
    install: str,
    recording_id: str,
    request_sid: str,
    call_sid: str | None,
    source: str,
    code: int | None,
    archived: bool,
) -> Event:
    """The event of a recording without a result, for good; `code` is that of the error."""
    about = {
        "install": install,
        "recording_id": recording_id,
        "request_sid": request_sid,
        "call_sid": call_sid,
        "source": source,
        "version": 1,
    }
    return _event("recording.failed", about, {"code": code, "archived": archived})


def erased(manifest: Manifest, *, by: str) -> Event:
    """The event of an erasure; `by` is what the tombstone says, of which only retention is told."""
    data = {"by_retention": by == "retention"}
    return _event("recording.erased", _about(manifest, manifest.generation), data)


def now() -> str:
    """This moment in UTC, in ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _event(
    kind: EventType,
    about: Mapping[str, Any],
    data: Mapping[str, Any],
    *,
    generation: int | None = None,
) -> Event:
    names = "install", "recording_id", "request_sid", "version"
    identity = "\n".join([kind, *(str(about[name]) for name in names)])
    return Event(
        id=f"msg_{hashlib.sha256(identity.encode()).hexdigest()[:32]}",
        type=kind,
        install=about["install"],
        recording_id=about["recording_id"],
        occurred_at=now(),
        data={**about, **data},
        generation=generation,
    )


def _about(manifest: Manifest, version: int) -> dict[str, Any]:
    facts = manifest.facts
    return {
        "install": manifest.tenant,
        "recording_id": manifest.recording_id,
        "request_sid": facts.request_sid,
        "call_sid": facts.call_sid,
        "source": facts.source,
        "version": version,
    }


def _ready(manifest: Manifest, result: Mapping[str, Any] | None) -> dict[str, Any]:
    facts = manifest.facts
    data: dict[str, Any] = {
        "started_at": _iso(facts.started_at),
        "received_at": _iso(facts.received_at),
        "duration_seconds": facts.duration_seconds,
        "channels": facts.channels,
        "redacted": facts.redacted,
        "redaction": facts.redaction,
    }
    if result is None:
        missing = {"flags": None, "figures": None, "transcribed": None}
        return data | missing | {"figures_reason": NO_FIGURES}
    conversation = result.get("conversation") or {}
    return data | {
        "flags": list(result.get("flags") or ()),
        "figures": {name: conversation.get(name) for name in FIGURES},
        "transcribed": bool(result.get("transcript")),
    }


def _redacted(manifest: Manifest, result: Mapping[str, Any] | None) -> dict[str, Any]:
    data: dict[str, Any] = {"redaction": manifest.facts.redaction}
    if result is None:
        return data | {
            "muted_count": None,
            "muted_seconds": None,
            "muted_seconds_reason": NO_FIGURES,
        }
    intervals = (result.get("redaction") or {}).get("intervals") or []
    seconds = sum(end - start for start, end in intervals)
    return data | {"muted_count": len(intervals), "muted_seconds": round(seconds, 3)}


def _matched(result: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Rules that were met, by their names in the file of rules, with how often."""
    return [
        {
            "rule": each.get("rule"),
            "party": each.get("party"),
            "count": len(each.get("intervals") or ()),
        }
        for each in (result or {}).get("categories") or ()
        if each.get("intervals")
    ]


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds")
