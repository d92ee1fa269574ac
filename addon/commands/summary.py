"""Prints a result (spec/interfaces 5) in a few lines; the JSON holds the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

LABEL_WIDTH = 20

CONVERSATION = (
    ("agent talks", "agent_talk"),
    ("customer talks", "customer_talk"),
    ("silence", "silence"),
    ("both at once", "crosstalk"),
)


def summary(document: Mapping[str, Any]) -> str:
    """One line a fact; of a failure, its code and sentence."""
    facts = _success(document["result"]) if document["result"] else _failure(document)
    return "\n".join(f"  {label:<{LABEL_WIDTH}}{fact}" for label, fact in facts)


def _success(result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    audio, conversation = result["audio"], result["conversation"]
    yield (
        "audio",
        f"{audio['duration_seconds']:.1f} s, {_counted(audio['channels'], 'channel')}, "
        f"{audio['format']} ({audio['codec']}) at {audio['sample_rate_hz']} Hz",
    )
    for label, name in CONVERSATION:
        seconds = conversation[f"{name}_seconds"]
        if seconds is not None:
            yield label, f"{seconds:.1f} s ({conversation[f'{name}_percent']:.1f} %)"
    if result.get("flags"):
        yield "flags", ", ".join(result["flags"])
    yield from _words(result)
    yield "done in", f"{result['timing']['elapsed_seconds']:.2f} s after it was received"


def _words(result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every sentence of the transcript, or the reason why there is none; nothing without either."""
    transcript = result.get("transcript")
    if transcript is None and "transcript_reason" in result:
        yield "transcript", f"none. {result['transcript_reason']}"
    for sentence in (transcript or {}).get("sentences", []):
        yield sentence["role"], f"“{sentence['transcript']}”"


def _failure(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "failed", f"{document['code']}: {document['message']}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
