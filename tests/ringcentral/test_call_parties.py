"""A call's facts in RingCentral's call log: whom a call reached is told by its legs."""

from __future__ import annotations

import pytest

from addon.call_facts import NAMES
from addon.ringcentral.call_parties import facts_of

CALLER = {"phoneNumber": "+14158675309", "name": "A CALLER", "location": "San Francisco, CA"}
QUEUE = {"phoneNumber": "+18005551212", "name": "Support", "extensionNumber": "200"}
ADA = {"extensionNumber": "101", "name": "Ada Lovelace"}
RECORD = {
    "direction": "Inbound",
    "from": CALLER,
    "to": QUEUE,
    "result": "Accepted",
    "startTime": "2026-03-04T10:15:00.000Z",
    "duration": 61,
    "legs": [
        {"direction": "Inbound", "to": QUEUE, "result": "Accepted", "master": True},
        {"direction": "Outbound", "to": {"name": "Bob", "extensionId": "7"}, "result": "Missed"},
        {"direction": "Outbound", "to": ADA, "result": "Accepted"},
    ],
}


def test_a_call_that_a_queue_passed_on_has_queue_and_agent():
    facts = facts_of(RECORD, RECORD)
    assert (facts["queue"], facts["agent"]) == ("Support", "Ada Lovelace")
    assert (facts["from"], facts["to"]) == ("+14158675309", "+18005551212")
    assert (facts["direction"], facts["outcome"]) == ("inbound", "Accepted")
    assert facts["started_at"] == "2026-03-04T10:15:00.000+00:00"
    assert facts["duration_seconds"] == 61.0


def test_a_call_to_a_person_has_no_queue():
    facts = facts_of({**RECORD, "to": ADA, "legs": []}, {})
    assert (facts["agent"], facts["queue"]) == ("Ada Lovelace", None)


def test_a_call_out_has_the_agent_at_its_beginning():
    record = {"direction": "Outbound", "from": ADA, "to": CALLER}
    facts = facts_of(record, record)
    assert (facts["agent"], facts["from"], facts["to"]) == ("Ada Lovelace", "101", "+14158675309")


@pytest.mark.parametrize(
    "record",
    [{}, {"from": "x", "to": [], "legs": {}}, {"legs": [None, 1, {"to": 2, "result": "Accepted"}]}],
)
def test_an_entry_of_another_form_has_reasons(record):
    facts = facts_of(record, record)
    assert [name for name in NAMES if facts[name] is not None] == []
    assert all(facts[f"{name}_reason"] for name in NAMES)
