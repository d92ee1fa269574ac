"""A call's facts as Twilio has them: in a Flex task, the call resource, an invocation's fields.

Pure functions; each gives sources for `addon.call_facts.gathered`, the most trusted first.
Attributes are whatever a customer's programs write, so each fact is looked for under several names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from addon.call_facts import Absent, direction
from addon.twilio.calls import CallResource
from addon.twilio.names import normalised
from addon.twilio.sids import is_sid
from addon.twilio.taskrouter import Reservation, Task

Source = Mapping[str, object]

_ATTRIBUTES: Mapping[str, Sequence[str]] = {
    "from": ("from", "caller"),
    "to": ("to", "called"),
    "direction": ("direction", "conversations.direction"),
    "agent": (
        "conversations.agent",
        "agent_name",
        "agentName",
        "worker_name",
        "agent.name",
        "agent",
        "targetWorker",
    ),
    "queue": ("conversations.queue", "queue_name", "queueName", "queue.name", "queue"),
    "outcome": ("conversations.outcome", "outcome", "disposition"),
}
"""Where a task's attributes may have each fact: what Studio, Flex and its Insights write first."""

_OUTBOUND_TO = ("outbound_to", "to", "called")
"""Of a call that an agent makes, Flex has the other party under a name of its own."""

_FIELDS: Mapping[str, Sequence[str]] = {
    "from": ("from", "caller", "fromnumber"),
    "to": ("to", "called", "tonumber"),
    "direction": ("direction", "calldirection"),
    "agent": ("agent", "agentname", "worker", "workername"),
    "queue": ("queue", "queuename"),
    "outcome": ("outcome", "disposition", "calloutcome"),
    "task_sid": ("tasksid",),
    "started_at": ("callstarttime",),
    "duration_seconds": ("callduration",),
}
"""Names in an invocation, as `normalised` has them: the add-on's template may map Twilio's values
to them (spec/protocol 1.2)."""

_TOOK = frozenset({"accepted", "wrapping", "completed"})
"""Status of a reservation whose worker took the task."""

_ENCODED = re.compile(r"_([0-9A-F]{2})")
_CLIENT = "client:"


def of_task(task: Task, agent: object) -> list[Source]:
    """Sources in a task: its queue and `agent_of` its reservations first, then its attributes."""
    is_outbound = direction(task.value("direction")) == "outbound"
    paths = {**_ATTRIBUTES, "to": _OUTBOUND_TO} if is_outbound else _ATTRIBUTES
    own = {"task_sid": task.sid, "queue": task.queue, "agent": agent}
    found = {name: [task.value(path) for path in paths[name]] for name in paths}
    found["agent"] = [identity(value) for value in found["agent"]]
    return [own, *_in_turn(found)]


def customer_leg(task: Task) -> str | None:
    """The SID of the customer's call: the recording's own may be the agent's leg."""
    for path in ("conference.participants.customer", "call_sid"):
        value = task.value(path)
        if isinstance(value, str) and is_sid(value, "CA"):
            return value
    return None


def of_call(call: CallResource) -> Source:
    """The call resource as a source.

    The direction of an agent's leg says nothing of the conversation: Twilio dials it either way.
    """
    agents = [each for each in (call.to, call.from_) if _is_client(each)]
    return {
        "from": call.from_,
        "to": call.to,
        "direction": Absent("The leg is an agent's.") if agents else call.direction,
        "agent": identity(agents[0]) if agents else None,
        "started_at": call.started_at,
        "duration_seconds": Absent("The call had not ended.")
        if call.duration in (None, "")
        else call.duration,
    }


def of_invocation(fields: Mapping[str, Any]) -> list[Source]:
    """Sources in an invocation's fields that have no meaning of their own to the add-on."""
    known = {normalised(name): value for name, value in fields.items()}
    return _in_turn({name: [known.get(one) for one in names] for name, names in _FIELDS.items()})


def identity(value: object) -> object:
    """The name in `client:alice_40example_2Eorg`, as Flex encodes it; anything else as it is."""
    if not isinstance(value, str) or not _is_client(value):
        return value
    name = value.removeprefix(_CLIENT)
    return _ENCODED.sub(lambda found: chr(int(found[1], 16)), name)


def agent_of(reservations: Sequence[Reservation], reservation_sid: str | None) -> object:
    """The worker of the recording's reservation, else the only one who took the task."""
    for each in reservations:
        if reservation_sid and each.sid == reservation_sid:
            return each.worker_name
    names = {each.worker_name for each in reservations if each.status in _TOOK} - {""}
    if len(names) > 1:
        return Absent("Several agents took the task.")
    return names.pop() if names else Absent("No agent is known to have taken the task.")


def _in_turn(found: Mapping[str, Sequence[object]]) -> list[Source]:
    """The first values of all facts as a source, then the second ones, and so on."""
    return [dict(zip(found, values, strict=True)) for values in zip_longest(*found.values())]


def _is_client(value: object) -> bool:
    return isinstance(value, str) and value.startswith(_CLIENT)
