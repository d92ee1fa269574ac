"""Data for the player page: turns, pauses, events and peaks of one recording, from its analysis.

Pure functions over the result (spec/interfaces 5); a result without some key gives a player
without that part, never an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Interval = tuple[float, float]
Json = dict[str, Any]

TURN_GAP_S = 2.0
"""Speech of one party with shorter pauses is one turn (spec/audio 3)."""

LABELS = {"agent": "Agent", "customer": "Customer", "mixed": "Everyone", "any": "Anybody"}


@dataclass(frozen=True)
class Turn:
    """One party speaking without a longer pause; `text` where there is a transcript."""

    role: str
    start: float
    end: float
    text: str | None = None

    @property
    def label(self) -> str:
        """The party's name for people."""
        return LABELS.get(self.role, self.role)

    @property
    def seconds(self) -> float:
        """Its length."""
        return round(self.end - self.start, 3)


def roles(result: Mapping[str, Any]) -> list[str]:
    """The parties from the top of the player to its bottom: the agent first, a mix last."""
    found = [person["role"] for person in result.get("participants", [])]
    return sorted(found, key=lambda role: (role != "agent", role == "mixed"))


def turns(result: Mapping[str, Any]) -> list[Turn]:
    """The turns in order; with their words where there is a transcript."""
    spoken = _sentences(result)
    if spoken:
        return spoken
    joined: list[Turn] = []
    for segment in result.get("segments", []):
        role, start, end = segment["role"], segment["start_seconds"], segment["end_seconds"]
        last = joined[-1] if joined else None
        if last and last.role == role and start - last.end <= TURN_GAP_S:
            joined[-1] = Turn(role, last.start, max(last.end, end))
        else:
            joined.append(Turn(role, start, end))
    return joined


@dataclass(frozen=True)
class RuleFinding:
    """A rule's finding for one party: its places with their words, or why there are none."""

    title: str
    role: str
    status: str
    reason: str | None
    places: Sequence[tuple[float, str | None]]

    @property
    def label(self) -> str:
        """The party's name for people."""
        return LABELS.get(self.role, self.role)


def rule_findings(result: Mapping[str, Any]) -> list[RuleFinding] | None:
    """The findings of the rules, in their order; None where nobody looked."""
    categories = result.get("categories")
    if categories is None:
        return None
    return [
        RuleFinding(
            one["title"],
            one["party"],
            one["status"],
            one.get("reason"),
            [(at[0], text) for at, text in zip(one["intervals"], one["text"], strict=True)],
        )
        for one in categories
    ]


def sentiments(result: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The sentiment of each party that has one, by role; older results have `compound` alone."""
    transcript = result.get("transcript") or {}
    return {party["role"]: party for party in transcript.get("sentiment") or ()}


def channels(result: Mapping[str, Any]) -> dict[str, int] | None:
    """The channel of each party where each of two has its own; None where they cannot be parted."""
    people = result.get("participants", [])
    found = {person["role"]: person["channel"] for person in people}
    both = (result.get("audio") or {}).get("channels") == 2 and sorted(found.values()) == [0, 1]
    return found if both else None


def words(result: Mapping[str, Any]) -> list[list[tuple[float, float, str]]]:
    """The words of each turn as start, end and text; empty where there is no transcript."""
    sentences = (result.get("transcript") or {}).get("sentences", [])
    return [
        [
            (one["start_seconds"], one["end_seconds"], one["word"])
            for one in sentence.get("words", [])
        ]
        for sentence in sentences
    ]


def document(
    result: Mapping[str, Any], moments: Sequence[tuple[str, str, float, float]] = ()
) -> Json:
    """Everything the player's script needs, times in seconds.

    A moment is its kind, its title, its start and its end.
    """
    parties = roles(result)
    spans = {role: _speech(result, role) for role in parties}
    talk = result.get("conversation", {})
    both = _overlaps(*spans.values()) if len(parties) == 2 else []
    return {
        "duration": result.get("audio", {}).get("duration_seconds") or 0,
        "lanes": [{"role": role, "label": LABELS[role], "speech": spans[role]} for role in parties],
        "turns": [[turn.role, turn.start, turn.end] for turn in turns(result)],
        "events": {
            "both": both,
            "silence": talk.get("non_talk", {}).get("intervals", []),
            "hold": talk.get("hold", {}).get("intervals", []),
            "muted": result.get("redaction", {}).get("intervals", []),
        },
        "moments": moments,
        "channels": channels(result),
        "words": words(result),
        "peaks": peaks(result),
    }


def peaks(result: Mapping[str, Any]) -> list[list[int]] | None:
    """For each lane the loudest sample of every pixel, 0 to 127; None where there is no waveform.

    From audiowaveform version 2: minimum and maximum of each channel in turn, 8 bits each.
    """
    waveform = result.get("waveform")
    if not waveform:
        return None
    data, channels = waveform["data"], waveform["channels"]
    step = 2 * channels
    each = [
        [
            max(-low, high)
            for low, high in zip(data[2 * c :: step], data[2 * c + 1 :: step], strict=True)
        ]
        for c in range(channels)
    ]
    people = result.get("participants", [])
    if len(people) != channels:
        return [[max(values) for values in zip(*each, strict=True)]]
    by_role = {person["role"]: each[person["channel"]] for person in people}
    return [by_role[role] for role in roles(result)]


def _speech(result: Mapping[str, Any], role: str) -> list[Interval]:
    return [
        (segment["start_seconds"], segment["end_seconds"])
        for segment in result.get("segments", [])
        if segment["role"] == role
    ]


def _overlaps(one: Sequence[Interval], other: Sequence[Interval]) -> list[Interval]:
    """Intervals in which both speak; each list is in order and has no overlaps of its own."""
    found, i, j = [], 0, 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            found.append((start, end))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return found


def _sentences(result: Mapping[str, Any]) -> list[Turn]:
    """The transcript's sentences; `role` and times are in each."""
    transcript = result.get("transcript") or {}
    return [
        Turn(one["role"], one["start_seconds"], one["end_seconds"], one["transcript"])
        for one in transcript.get("sentences", [])
    ]
