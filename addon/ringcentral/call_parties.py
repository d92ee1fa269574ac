"""A call's facts as RingCentral's call log has them (spec/protocol 7.2).

The log names people and queues alike, as parties with a name and an extension; whom a call reached
is told by its accepted legs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from addon.call_facts import NAMES, Facts, direction, gathered

Record = Mapping[str, Any]

ACCEPTED = frozenset({"Accepted", "Call connected"})
"""Results of a leg in which somebody was reached."""


def facts_of(record: Record, part: Record) -> Facts:
    """The facts of a call; `part` is the record itself, or the leg that was recorded."""
    said = {
        "from": _number(record, "from"),
        "to": _number(record, "to"),
        "direction": record.get("direction"),
        "outcome": record.get("result"),
        "started_at": record.get("startTime"),
        "duration_seconds": record.get("duration"),
    }
    if direction(record.get("direction")) == "outbound":
        return gathered(NAMES, said, {"agent": _name(record, "from")})
    reached = [_name(leg, "to") for leg in (part, *_accepted(record))]
    first = _name(record, "to")
    agent = next((name for name in reached if name and name != first), None)
    # Of a call that was passed on, the party it came to is the queue and not a person.
    people = {"agent": agent, "queue": first} if agent else {"agent": first}
    return gathered(NAMES, said, people)


def _accepted(record: Record) -> list[Record]:
    legs = record.get("legs")
    return [
        leg
        for leg in (legs if isinstance(legs, list) else ())
        if isinstance(leg, dict) and leg.get("result") in ACCEPTED
    ]


def _party(record: Record, side: str) -> Record:
    party = record.get(side)
    return party if isinstance(party, dict) else {}


def _name(record: Record, side: str) -> object:
    """The name of a party of the account: one outside has no extension."""
    party = _party(record, side)
    extension = party.get("extensionNumber") or party.get("extensionId")
    return (party.get("name") or extension) if extension else None


def _number(record: Record, side: str) -> object:
    party = _party(record, side)
    return party.get("phoneNumber") or party.get("extensionNumber")
