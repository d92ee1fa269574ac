"""What is sent has the shape that /openapi.json gives it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from addon.web.webhook_payloads import HEADERS, PAYLOADS
from addon.webhooks import events, sending
from addon.webhooks.events import TYPES, Event
from tests.web.documented import API
from tests.webhooks.test_events import FACTS, MANIFEST, RESULT
from tests.webhooks.test_sending import endpoint, now

MUTED = replace(MANIFEST, facts=replace(FACTS, redacted=True))
FAILED = events.failed(
    install="XD1",
    recording_id="RE1",
    request_sid="XR1",
    call_sid=None,
    source="marketplace",
    code=64401,
    archived=True,
)
SENT: list[Event] = [
    *events.of_analysis(MUTED, RESULT),
    *events.of_analysis(MUTED, None),
    events.of_analysis(replace(MANIFEST, facts=replace(FACTS, started_at=None)), RESULT)[0],
    FAILED,
    events.erased(MANIFEST, by="retention"),
]


def test_every_type_has_a_shape_and_is_sent_here():
    assert set(PAYLOADS) == set(TYPES) == set(API["webhooks"]) == {one.type for one in SENT}


@pytest.mark.parametrize("event", SENT, ids=lambda event: event.type)
def test_a_payload_has_its_shape_and_nothing_besides(event):
    described = API["webhooks"][event.type]["post"]["requestBody"]["content"]
    schema = described["application/json"]["schema"] | {"components": API["components"]}
    document = json.loads(event.body)
    Draft202012Validator(schema).validate(document)
    kind = PAYLOADS[event.type]
    assert TypeAdapter(kind).validate_python(document) == document  # nothing is left out by it


def test_every_header_is_described():
    sent = sending.headers(FAILED, endpoint(), now())
    assert set(HEADERS) == set(sent) - {"Content-Type"}
    for methods in API["webhooks"].values():
        assert {one["name"] for one in methods["post"]["parameters"]} == set(HEADERS)
