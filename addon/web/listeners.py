"""Lines of a recording's access log for its page: who heard how much, and who was refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
        return "downloaded"
    if kind == "heard":
        sent = f"{_share(event)} was sent{_lasting(event)}"
        return f"listened; {sent}" + (
            "; what was played is not reported" if "played" in event else ""
        )
    if kind == "played":
        return f"played {_seconds(event)}, as the player reports"
    if kind == "began":
        return "began to listen; what was sent is not known yet"
    if kind == "exported":
        return "took the transcript away"
    if kind == "granted":
        return "was given a link"
    if kind == "denied":
        return f"was refused: {event.get('reason', 'no right')}"
    return str(kind).replace("_", " ")


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
