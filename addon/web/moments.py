"""Moments of a recording that people look for: interruptions, silences, hold, muted places, rules.

Pure functions over the result (spec/interfaces 5); times in seconds. A result without some key has
no moments of that kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from addon.web.player_data import LABELS, Interval

NAMES = {
    "interruption": "Interruptions",
    "silence": "Silences",
    "hold": "Hold",
    "muted": "Muted places",
    "category": "What was said",
}
"""The kinds in the order in which the page lists them, by their names for people."""

MUTED = {
    "dtmf": "key tones",
    "spoken_number": "a spoken number",
    "card_number": "a card number",
    "phone_number": "a telephone number",
    "social_security_number": "a social security number",
    "iban": "an IBAN",
    "security_code": "a security code",
    "expiry_date": "an expiry date",
    "date_of_birth": "a date of birth",
    "email_address": "an e-mail address",
}
"""Kinds of what is muted, as a sentence has them."""

SAME_S = 0.05
"""Two times closer than this are one: figures are rounded to milliseconds, frames are 10 ms."""


@dataclass(frozen=True)
class Moment:
    """One moment: `kind` is a key of NAMES, `title` its name for people and screen readers."""

    kind: str
    title: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """The time that it lasts."""
        return round(self.end - self.start, 3)


def moments(result: Mapping[str, Any]) -> list[Moment]:
    """All moments in the order of time."""
    found = [
        *_interruptions(result),
        *_silences(result),
        *_hold(result),
        *_muted(result),
        *_categories(result),
    ]
    return sorted(found, key=lambda moment: (moment.start, moment.end))


def by_kind(found: Sequence[Moment]) -> list[tuple[str, str, list[Moment]]]:
    """The kinds that are there, each with its name and its moments."""
    groups = [
        (kind, name, [one for one in found if one.kind == kind]) for kind, name in NAMES.items()
    ]
    return [group for group in groups if group[2]]


def longest_silence(result: Mapping[str, Any]) -> Interval | None:
    """The place of `conversation.longest_silence_seconds`: the longest time between segments."""
    length = (result.get("conversation") or {}).get("longest_silence_seconds")
    end = (result.get("audio") or {}).get("duration_seconds")
    if not length or not end:
        return None
    gaps, at = [], 0.0
    for segment in sorted(result.get("segments", []), key=lambda one: one["start_seconds"]):
        gaps.append((at, segment["start_seconds"]))
        at = max(at, segment["end_seconds"])
    longest = max([*gaps, (at, end)], key=lambda gap: gap[1] - gap[0])
    return longest if abs(longest[1] - longest[0] - length) <= SAME_S else None


def muted_kinds(result: Mapping[str, Any]) -> str | None:
    """The kinds of what is muted, as words of a sentence; None where the result names none."""
    reasons = (result.get("redaction") or {}).get("reasons") or []
    words = [MUTED.get(reason, reason.replace("_", " ")) for reason in reasons]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]])) or None


def _interruptions(result: Mapping[str, Any]) -> Iterator[Moment]:
    for person in result.get("participants", []):
        interruptions = person.get("interruptions") or {}
        title = f"{LABELS.get(person['role'], person['role'])} interrupts"
        yield from (Moment("interruption", title, *at) for at in interruptions.get("intervals", []))


def _silences(result: Mapping[str, Any]) -> Iterator[Moment]:
    """Silences beyond the threshold; those that are hold are hold alone."""
    talk = result.get("conversation") or {}
    held = (talk.get("hold") or {}).get("intervals", [])
    for start, end in (talk.get("non_talk") or {}).get("intervals", []):
        on_hold = sum(max(0.0, min(end, b) - max(start, a)) for a, b in held)
        if end - start - on_hold > SAME_S and on_hold < 0.5 * (end - start):
            yield Moment("silence", "Silence", start, end)


def _hold(result: Mapping[str, Any]) -> Iterator[Moment]:
    hold = (result.get("conversation") or {}).get("hold") or {}
    return (Moment("hold", "On hold", *at) for at in hold.get("intervals", []))


def _muted(result: Mapping[str, Any]) -> Iterator[Moment]:
    """Muted places; of several kinds the result does not say which one is where."""
    kinds = muted_kinds(result)
    title = f"Muted: {kinds}" if kinds and " and " not in kinds else "Muted"
    intervals = (result.get("redaction") or {}).get("intervals", [])
    return (Moment("muted", title, *at) for at in intervals)


def _categories(result: Mapping[str, Any]) -> Iterator[Moment]:
    for one in result.get("categories") or ():
        title = f"{one['title']} ({LABELS.get(one['party'], one['party'])})"
        yield from (Moment("category", title, *at) for at in one["intervals"])
