"""Lines of a recording's access log for its page: who heard how much, and who was refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from addon.playback.ranges import Range, coalesced
from addon.web.formats import clock

Event = Mapping[str, Any]

NOT_REPORTED = "not reported"
"""What was played, where no player told: not the same as nothing."""


@dataclass(frozen=True)
class Line:
    """One line: `what` completes a sentence that begins with `who`; `at` is ISO 8601."""

    who: str
    what: str
    at: str
    refused: bool = False


@dataclass(frozen=True)
class HeardBy:
    """The parts of a recording that one listener's players say they played; seconds, in order."""

    who: str
    ranges: Sequence[tuple[float, float]]
    duration: float

    @property
    def seconds(self) -> float:
        """The time of all parts."""
        return round(sum(stop - start for start, stop in self.ranges), 1)

    @property
    def percent(self) -> float:
        """Of the recording."""
        return 100 * self.seconds / self.duration if self.duration else 0.0


def heard_by(events: Sequence[Event], duration: float | None) -> list[HeardBy]:
    """For each listener all that was played, whoever heard most first; by genuine events alone."""
    played: dict[str, list[Range]] = {}
    for event in events:
        if event["event"] == "played" and not _bad(event):
            played.setdefault(_who(event), []).extend(_milliseconds(event))
    found = [
        HeardBy(who, [(a / 1000, b / 1000) for a, b in sorted(coalesced(ranges))], duration or 0.0)
        for who, ranges in played.items()
    ]
    return sorted(found, key=lambda one: -one.seconds)


def _milliseconds(event: Event) -> list[Range]:
    """The ranges of an event; none where another release wrote them in a form not known here."""
    try:
        pairs = [(round(1000 * a), round(1000 * b)) for a, b in event["ranges_seconds"]]
    except (KeyError, TypeError, ValueError):
        return []
    return [Range(start, stop) for start, stop in pairs if 0 <= start < stop]


def lines(events: Sequence[Event]) -> list[Line]:
    """The events as lines, in the order given.

    A link that was given and then used is one line, not three.
    """
    used = {_listening(event) for event in events if event["event"] == "heard" and not _bad(event)}
    return [
        Line(
            _who(event),
            _what(event),
            event["at"],
            refused=event["event"] == "denied" or _bad(event),
        )
        for event in with_played(events)
        if event["event"] not in ("granted", "began") or _listening(event) not in used
    ]


def with_played(events: Sequence[Event]) -> list[dict[str, Any]]:
    """The events; what was sent over a link says so where no player reported what it played."""
    reported = {
        str(event.get("grant"))
        for event in events
        if event["event"] == "played" and not _bad(event)
    }
    return [
        {**event, "played": NOT_REPORTED}
        if event["event"] == "heard" and event.get("grant") and str(event["grant"]) not in reported
        else dict(event)
        for event in events
    ]


def _listening(event: Event) -> tuple[str, ...]:
    """The listening that an event is of: its grant, or where there is none its listener."""
    grant = event.get("grant")
    return (str(grant),) if grant else (str(event.get("listener")), str(event.get("purpose")))


def _bad(event: Event) -> bool:
    return "trouble" in event


def _who(event: Event) -> str:
    return str(event.get("listener") or event.get("by") or "somebody")


def _what(event: Event) -> str:
    kind = event["event"]
    if "trouble" in event:
        return f"is said to have “{kind}”, but {event['trouble']}"
    if kind == "heard" and event.get("purpose") == "download":
        return f"downloaded{_clip(event)}"
    if kind == "heard":
        sent = f"{_share(event)} was sent{_lasting(event)}"
        return f"listened{_clip(event)}; {sent}" + (
            "; what was played is not reported" if "played" in event else ""
        )
    if kind == "played":
        return f"played {_seconds(event)}, as the player reports"
    if kind == "began":
        return "began to listen; what was sent is not known yet"
    if kind == "noted":
        return f"wrote a note at {clock(event.get('at_seconds'))}"
    if kind == "note_changed":
        return f"changed a note at {clock(event.get('at_seconds'))}"
    if kind == "exported":
        is_transcript = event.get("purpose") == "transcript"
        return "took the transcript away" if is_transcript else "took it out of the archive"
    if kind in ("held", "released"):
        step = "placed a legal hold" if kind == "held" else "lifted the legal hold"
        return f"{step}: {event.get('reason', '')}"
    if kind == "granted":
        return f"was given a link{_clip(event)}"
    if kind == "denied":
        return f"was refused: {event.get('reason', 'no right')}"
    return str(kind).replace("_", " ")


def _clip(event: Event) -> str:
    """The stretch that an event is of, where it is a clip."""
    try:
        start, stop = (clock(one) for one in event["clip_seconds"])
    except (KeyError, TypeError, ValueError):
        return ""
    return f" (clip {start} to {stop})"


def _lasting(event: Event) -> str:
    return f" ({_seconds(event)})" if "seconds" in event else ""


def _seconds(event: Event) -> str:
    seconds = event.get("seconds")
    return f"{seconds:g} s" if isinstance(seconds, int | float) else "an unknown time"


def _share(event: Event) -> str:
    try:
        heard = sum(stop - start for start, stop in event["ranges"])
        percent = 100 * heard / max(event["of_bytes"], 1)
    except (KeyError, TypeError, ValueError):
        return "an unknown part"
    return "under 1 %" if percent < 1 else f"{min(percent, 100):.0f} %"
