"""A call's facts in Flex tasks, call resources and invocations, whatever somebody wrote there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from addon.call_facts import NAMES, WITHHELD, gathered
from addon.twilio import call_sources
from addon.twilio.calls import CallResource
from addon.twilio.taskrouter import Reservation, Task

NOW = datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC)
WT = "WT" + "0a" * 16


def facts(attributes: Any, agent: object = None, queue: str | None = None) -> dict[str, Any]:
    task = Task(WT, attributes, '"1"', "completed", queue)
    return gathered(NAMES, *call_sources.of_task(task, agent))


def test_a_task_says_who_called_whom_and_what_came_of_it():
    found = facts(
        {
            "from": "+14158675309",
            "to": "+18005551212",
            "direction": "inbound",
            "conversations": {"outcome": "Resolved", "queue": "Old name"},
        },
        agent="Ada Lovelace",
        queue="Billing",
    )
    assert found["from"] == "+14158675309"
    assert found["to"] == "+18005551212"
    assert found["direction"] == "inbound"
    assert (found["agent"], found["queue"]) == ("Ada Lovelace", "Billing")
    assert (found["outcome"], found["task_sid"]) == ("Resolved", WT)


def test_the_other_party_of_a_call_that_an_agent_makes_has_a_name_of_its_own():
    found = facts({"direction": "outbound", "from": "+1800", "to": "+1999", "outbound_to": "+1415"})
    assert (found["from"], found["to"]) == ("+1800", "+1415")


@pytest.mark.parametrize(
    "attributes",
    [
        {"conversations": {"agent": "Ada"}},
        {"agent_name": "Ada"},
        {"agentName": "Ada"},
        {"worker_name": "Ada"},
        {"agent": {"name": "Ada"}},
        {"agent": "Ada"},
        {"targetWorker": "client:Ada"},
        {"conversations": "none", "agent": None, "agentName": 7, "worker_name": "Ada"},
    ],
)
def test_an_agent_is_found_under_every_usual_name(attributes):
    assert facts(attributes)["agent"] == "Ada"


@pytest.mark.parametrize("attributes", [None, {}, {"from": None, "conversations": [1]}])
def test_a_task_without_attributes_has_reasons(attributes):
    found = facts(attributes)
    assert all(found[name] is None and found[f"{name}_reason"] for name in ("from", "queue"))


def test_a_withheld_number_is_no_number():
    assert facts({"from": "anonymous", "caller": "+266696687"})["from_reason"] == WITHHELD


RESERVATIONS = [
    Reservation("WR1", "timeout", "Bob"),
    Reservation("WR2", "completed", "Ada"),
    Reservation("WR3", "accepted", "Ada"),
]


def test_the_worker_who_took_the_task_is_the_agent():
    assert call_sources.agent_of(RESERVATIONS, None) == "Ada"


def test_of_several_the_one_of_the_recordings_own_reservation_is_the_agent():
    several = [*RESERVATIONS, Reservation("WR4", "wrapping", "Eve")]
    assert call_sources.agent_of(several, "WR4") == "Eve"
    assert "Several" in call_sources.agent_of(several, None).reason
    assert "No agent" in call_sources.agent_of([], None).reason


@pytest.mark.parametrize(
    ("attributes", "leg"),
    [
        ({"conference": {"participants": {"customer": "CA" + "1" * 32}}}, "CA" + "1" * 32),
        ({"call_sid": "CA" + "2" * 32}, "CA" + "2" * 32),
        ({"call_sid": "CA/../x"}, None),
        (None, None),
    ],
)
def test_the_customers_leg_is_the_call(attributes, leg):
    assert call_sources.customer_leg(Task(WT, attributes, None, "")) == leg


def test_a_call_resource_says_when_and_how_long():
    said = call_sources.of_call(CallResource("+1415", "sip:a@b.c", "outbound-dial", NOW, "61"))
    found = gathered(NAMES, said)
    assert (found["from"], found["to"], found["direction"]) == ("+1415", "sip:a@b.c", "outbound")
    assert (found["started_at"], found["duration_seconds"]) == (
        NOW.isoformat("T", "milliseconds"),
        61,
    )


def test_an_agents_leg_names_the_agent_and_no_direction():
    alice = "client:alice_40example_2Eorg"
    found = gathered(
        NAMES, call_sources.of_call(CallResource("+18", alice, "outbound-api", NOW, ""))
    )
    assert found["agent"] == "alice@example.org"
    assert (found["direction"], found["direction_reason"]) == (None, "The leg is an agent's.")
    assert "not ended" in found["duration_seconds_reason"]


def test_an_invocations_fields_are_read_in_every_spelling():
    fields = {
        "From": " 14158675309",
        "TO": "+1800",
        "Agent-Name": "Ada",
        "queue": ["a", "b"],
        "x": {},
    }
    found = gathered(NAMES, *call_sources.of_invocation(fields))
    assert (found["from"], found["to"], found["agent"]) == ("+14158675309", "+1800", "Ada")
    assert found["queue"] is None
