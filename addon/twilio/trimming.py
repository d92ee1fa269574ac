"""Trims results to the size that Twilio accepts, 100 MB (spec/protocol 1.8).

Parts that can be read in the archive are dropped first; the figures themselves stay.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

RESULT_LIMIT_BYTES = 95_000_000
"""Below the 100 MB with room for headers and a multipart frame (spec/protocol 1.8)."""

_KEPT_AT_LAST = frozenset({"audio", "archive", "timing", "warnings"})

Result = dict[str, Any]


def trim(document: Mapping[str, Any], limit: int = RESULT_LIMIT_BYTES) -> dict[str, Any]:
    """The document, without its heaviest optional parts where it would exceed `limit` bytes.

    In order: the waveform, a transcript's words, the segments, the transcript, the lists of
    intervals, then everything but audio, archive and timing. Each leaves a warning behind.
    """
    trimmed = dict(document)
    if size(trimmed) <= limit or not isinstance(trimmed.get("result"), Mapping):
        return trimmed
    result: Result = {**trimmed["result"]}
    warnings = list(result.get("warnings") or ())
    for what, drop in _STAGES:
        smaller = drop(result)
        if smaller != result:
            warnings.append(
                f"The {what} is left out because the result would be too large; the archive has it."
            )
        result = trimmed["result"] = {**smaller, "warnings": warnings}
        if size(trimmed) <= limit:
            break
    return trimmed


def size(document: Mapping[str, Any]) -> int:
    """Bytes of the document as it will be posted."""
    return len(json.dumps(document, separators=(",", ":")))


def _without(key: str) -> Callable[[Result], Result]:
    return lambda result: {name: each for name, each in result.items() if name != key or not each}


def _without_words(result: Result) -> Result:
    words = {"transcript": _pruned(result.get("transcript"), "words")}
    return {**result, **words} if "transcript" in result else result


def _without_intervals(result: Result) -> Result:
    return {name: _pruned(each, "intervals") for name, each in result.items()}


def _bare(result: Result) -> Result:
    return {name: each for name, each in result.items() if name in _KEPT_AT_LAST}


def _pruned(value: Any, key: str) -> Any:
    """A copy without the members called `key`, at any depth."""
    if isinstance(value, Mapping):
        return {name: _pruned(each, key) for name, each in value.items() if name != key}
    if isinstance(value, (list, tuple)):
        return [_pruned(each, key) for each in value]
    return value


_STAGES: tuple[tuple[str, Callable[[Result], Result]], ...] = (
    ("waveform", _without("waveform")),
    ("timing of the transcript's words", _without_words),
    ("list of segments", _without("segments")),
    ("transcript", _without("transcript")),
    ("lists of intervals", _without_intervals),
    ("analysis", _bare),
)
