"""Lines of a recording's access log for its page: who heard how much, and who was refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One line: `what` completes a sentence that begins with `who`; `at` is ISO 8601."""

    who: str
    what: str
    at: str
    refused: bool = False


def lines(events: Sequence[Event]) -> list[Line]:
    """The events as lines, in the order given.

    A link that was given and then used is one line, not two.
    """
    used = {event.get("grant") for event in events if event["event"] == "heard"}
    return [
        Line(_who(event), _what(event), event["at"], refused=event["event"] == "denied")
        for event in events
        if event["event"] != "granted" or event.get("grant") not in used
    ]


def _who(event: Event) -> str:
    return str(event.get("listener") or event.get("by") or "somebody")


def _what(event: Event) -> str:
    kind = event["event"]
    if kind == "heard" and event.get("purpose") == "download":
        return "downloaded"
    if kind == "heard":
        return f"listened; {_share(event)} was sent"
    if kind == "granted":
        return "was given a link"
    if kind == "denied":
        return f"was refused: {event.get('reason', 'no right')}"
    return str(kind).replace("_", " ")


def _share(event: Event) -> str:
    heard = sum(stop - start for start, stop in event["ranges"])
    percent = 100 * heard / max(event["of_bytes"], 1)
    return "under 1 %" if percent < 1 else f"{min(percent, 100):.0f} %"
