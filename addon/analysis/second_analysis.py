"""The result of a recording that is analysed again, from its first result and the second report.

The archive holds the audio as it was muted. What is muted cannot be heard again: the second pass
adds to the redaction and takes nothing away, and where anything was muted the figures of the sound
stay those of the first analysis, which alone heard all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from addon.analysis.categories import categories_of
from addon.analysis.rendering import Json
from addon.analysis.report import Report
from addon.analysis.rules import RULE_FLAG, RuleSet
from addon.analysis.words import MASK

OF_THE_FIRST = ("audio", "archive", "timing")
"""Keys that tell of the bytes received, and of the answer to the request."""

OF_THE_SOUND = ("participants", "conversation", "segments", "flags")
"""Keys that are kept where only the transcript is made anew, or where something was muted."""

OF_THE_WORDS = (
    "transcript",
    "transcript_reason",
    "categories",
    "categories_reason",
    "call_analytics",
)
"""Keys that are made anew in any case."""


def combined(
    first: Mapping[str, Any], report: Report, rules: RuleSet, *, only_transcript: bool
) -> Json:
    """The result of both; `first` is the `result` object that the second analysis replaces.

    Its categories are what `rules` find in the result as it is then.
    """
    second = report.as_result()
    kept: tuple[str, ...] = OF_THE_FIRST
    if only_transcript or first["redaction"]["intervals"]:
        kept += OF_THE_SOUND
    result = {key: value for key, value in first.items() if key not in OF_THE_WORDS}
    result |= {key: value for key, value in second.items() if key not in kept}
    if "participants" in kept:
        result["warnings"] = _warnings(first, report)
    result["redaction"] = _redaction(first["redaction"], second["redaction"])
    if second.get("transcript"):
        result["transcript"] = _with_masked(second["transcript"], first.get("transcript"))
    found = categories_of(rules, result)
    of_the_sound = [flag for flag in result["flags"] if not flag.startswith(RULE_FLAG)]
    return result | found.as_result() | {"flags": [*of_the_sound, *found.flags]}


def _warnings(first: Mapping[str, Any], report: Report) -> list[str]:
    """The warnings of the first result, with what the second says of the redaction."""
    reason = first["redaction"].get("reason")
    kept = [one for one in first["warnings"] if not (reason and one.endswith(reason))]
    again = report.redaction.warning
    return kept if again is None else [*kept, again]


def _redaction(first: Mapping[str, Any], second: Mapping[str, Any]) -> Json:
    """All that is muted; the status is the second's, which heard what the archive holds."""
    coverage = dict(second["coverage"])
    for kind, before in (first.get("coverage") or {}).items():
        coverage[kind] = _counted_together(before, coverage.get(kind) or {})
    return dict(second) | {
        "intervals": _joined([*first["intervals"], *second["intervals"]]),
        "reasons": list(dict.fromkeys([*first["reasons"], *second["reasons"]])),
        "coverage": coverage,
    }


def _counted_together(first: Mapping[str, Any], second: Mapping[str, Any]) -> Json:
    """One kind's coverage: what was muted before, and what the second pass found beyond it.

    What the first found and could not mute is still there, and so among the second's own.
    """
    before = first.get("muted")
    if not before:
        return dict(second) or dict(first)
    found, muted = (second.get(key) or 0 for key in ("found", "muted"))
    counted = {"found": before + found, "muted": before + muted}
    together = {
        key: value
        for key, value in {**first, **second}.items()
        if not key.endswith("_reason") and value is not None
    }
    if "heard_again" in first and second.get("found") == 0:
        together["heard_again"] = True  # that is what the second pass did
    return together | counted


def _joined(intervals: Sequence[Sequence[float]]) -> list[list[float]]:
    joined: list[list[float]] = []
    for start, stop in sorted(map(tuple, intervals)):
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], stop)
        else:
            joined.append([start, stop])
    return joined


def _with_masked(second: Mapping[str, Any], first: Mapping[str, Any] | None) -> Json:
    """The second transcript with the masked words of the first, each a sentence of its own."""
    masked = [
        sentence | _of_one_word(word)
        for sentence in (first or {}).get("sentences", ())
        for word in sentence["words"]
        if word["word"] == MASK
    ]
    sentences = sorted(
        [*second["sentences"], *masked],
        key=lambda sentence: (sentence["start_seconds"], sentence["media_channel"]),
    )
    numbered = [one | {"sentence_index": index} for index, one in enumerate(sentences)]
    return dict(second) | {"sentences": numbered}


def _of_one_word(word: Mapping[str, Any]) -> Json:
    times = {key: word[key] for key in ("start_seconds", "end_seconds", "confidence")}
    return times | {"transcript": word["word"], "words": [word]}
