"""The result document of spec/interfaces 5, and the form in which it is stored until it is sent.

It holds no secret and no URL. Times are seconds with three decimals.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from addon import stored_documents
from addon.errors import AddonError
from addon.settings import Settings

SCHEMA_VERSION = "1.2"
"""docs/result.schema.json says what may change under which number."""

RELEASE = "0.1.0"
"""The release that this is, as pyproject.toml has it: a result says which one made it."""


@dataclass(frozen=True)
class StoredResult:
    """An answer that waits to be sent; stored encrypted, as JSON.

    `final` is False for an answer that had to be given before the work was done, and `archivable`
    is False where there is no recording that could be archived.
    """

    answer: dict[str, Any]
    final: bool
    archivable: bool

    def to_bytes(self) -> bytes:
        """As JSON. No version: the release before takes no further field; from 2 on it has one."""
        return stored_documents.compact(vars(self)).encode()

    @classmethod
    def from_bytes(cls, body: bytes) -> StoredResult:
        """The reverse of `to_bytes`. Raises UnreadableDocument."""
        what = "stored result"
        return stored_documents.instance(cls, stored_documents.parse(body, what), what)


def successful(sid: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope of a result."""
    return _envelope(sid, "successful", None, None, result)


def for_callback(sid: str, result: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """The envelope as the callback gets it: the waveform only where the setting asks for it."""
    left_out = () if settings.result_waveform else ("waveform",)
    sent = {name: part for name, part in result.items() if name not in left_out}
    redaction = result["redaction"]
    if settings.redact_dtmf == "required" and redaction["status"] != "complete":
        sent = unheard(sent, redaction.get("reason") or "Digits may remain audible.")
    return successful(sid, sent)


def unheard(result: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """A result of a recording that is withheld: without its waveform and without any words.

    What may be heard in the sound may be read in the words. The figures stay, and so do the times
    of categories. `reason` is a sentence that says why it is withheld.
    """
    left = {name: part for name, part in result.items() if name != "waveform"}
    if left.get("transcript") is not None:
        left |= {"transcript": None, "transcript_reason": f"Withheld: {reason}"}
    if left.get("categories"):
        left["categories"] = [
            one | {"text": [None] * len(one["text"])} for one in left["categories"]
        ]
    if "call_analytics" in left:
        rendered = dict(left["call_analytics"])
        rendered.pop("Transcript", None)
        left["call_analytics"] = rendered
    return left


def failed(sid: str, error: AddonError) -> dict[str, Any]:
    """The envelope of a failure: its code, and a sentence that says why and what helps."""
    return _envelope(sid, "failed", error.code, f"{error.message}. {error.remedy}", None)


def analysed(transcriber: str | None) -> dict[str, str | None]:
    """The `analysed` object: the version of an analysis. It lasts where a recording is analysed
    again, while `timing` tells of the answer to its request.
    """
    return {"at": iso(time.time()), "release": RELEASE, "transcriber": transcriber}


def timing(
    received_at: float, finished_at: float, duration: float | None
) -> dict[str, str | float | None]:
    """The times of receipt and end, and their distance as a multiple of the audio's length."""
    elapsed = finished_at - received_at
    return {
        "received_at": iso(received_at),
        "finished_at": iso(finished_at),
        "elapsed_seconds": round(elapsed, 3),
        "elapsed_per_duration": round(elapsed / duration, 3) if duration else None,
    }


def iso(moment: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC, with milliseconds."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")


def _envelope(
    sid: str, status: str, code: int | None, message: str | None, result: Mapping[str, Any] | None
) -> dict[str, Any]:
    return {
        "status": status,
        "code": code,
        "message": message,
        "request_sid": sid,
        "schema_version": SCHEMA_VERSION,
        "result": result,
    }
