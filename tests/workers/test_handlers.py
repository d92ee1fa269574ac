"""Each source's request comes out of the intake store as it went in, for its own handler."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from addon.call_facts import NOT_KEPT
from addon.errors import UnreadableDocument
from addon.requests import acceptance, scheduling
from addon.requests.intake_store import IntakeRecord
from addon.requests.request import Request, has_deadline
from addon.ringcentral.call_log import LoggedRecording
from addon.twilio.invocation import Invocation
from addon.twilio.status_callback import StatusCallback
from tests.conftest import ACCOUNT
from tests.twilio.standin import sid
from workers import handlers
from workers.marketplace import GIVE_UP_FLOOR_S
from workers.sweeper import Sweeper

NOW = datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC)

INVOCATION = Invocation("XR1", NOW, install="XD1", duration=60.0, usage_key="recording_dial")
CALLBACK = StatusCallback(
    ACCOUNT, sid("RE", 1), "completed", NOW, duration_seconds=37.0, source="Conference"
)
LOGGED = LoggedRecording(
    "5001", "301", "https://media.example/5001", "s-1", NOW, 12.0, {"agent": "Ada", "queue": None}
)
REQUESTS = [
    Request.marketplace(INVOCATION),
    Request.flex(CALLBACK),
    Request.ringcentral(LOGGED, NOW, catching_up=True),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: each.source)
def test_a_request_is_read_as_it_was_written(request_):
    intake = IntakeRecord(request_.source, request_.document, iter(()))
    assert handlers.read(intake) == request_


def test_the_facts_in_a_requests_own_document_are_those_that_are_kept(settings):
    ringcentral = handlers.of(REQUESTS[2])
    kept = settings.replace(call_facts=("agent",))
    assert ringcentral.ask_call(kept, REQUESTS[2])()["agent"] == "Ada"
    none = ringcentral.ask_call(settings.replace(call_facts=()), REQUESTS[2])()
    assert (none["agent"], none["agent_reason"]) == (None, NOT_KEPT)
    without = json.loads(LOGGED.to_json())
    del without["call"]
    older = replace(REQUESTS[2], document=json.dumps([json.dumps(without), str(NOW), False]))
    assert ringcentral.ask_call(kept, older)()["agent"] is None


def test_a_source_that_this_release_does_not_know_is_a_clear_error():
    with pytest.raises(UnreadableDocument, match="carrier pigeon"):
        handlers.read(IntakeRecord("carrier pigeon", "{}", iter(())))


def test_every_source_has_a_handler():
    assert set(handlers.HANDLERS) == {request.source for request in REQUESTS}


def test_a_record_without_later_fields_is_still_read():
    older = json.loads(CALLBACK.to_json())
    for name in ("task_sid", "reservation_sid", "announced_by"):
        del older[name]
    read = handlers.HANDLERS["flex"].read(json.dumps(older))
    assert read == Request.flex(CALLBACK)


def test_queues_names_and_deadlines_follow_from_the_source():
    marketplace, flex, ringcentral = REQUESTS
    assert [each.length.estimate for each in REQUESTS] == [60.0, 37.0, 12.0]
    assert [each.integrations for each in REQUESTS] == [
        ("RECORDING_DIAL",),
        ("CONFERENCE", "FLEX"),
        ("RINGCENTRAL",),
    ]
    assert [each.queue for each in REQUESTS] == [None, None, scheduling.BACKFILL]
    assert [each.has_deadline for each in REQUESTS] == [True, False, False]
    assert has_deadline(""), "a state written again after Redis was lost may not name its source"
    give_up_at = handlers.HANDLERS["marketplace"].give_up_at
    assert give_up_at(marketplace, 3.0) == NOW.timestamp() + GIVE_UP_FLOOR_S
    assert give_up_at(marketplace, 3600.0) == scheduling.deadline(NOW.timestamp(), 3600.0)
    assert handlers.of(flex).give_up_at(flex, 3.0) > NOW.timestamp() + 3600
    assert handlers.of(ringcentral).give_up_at(ringcentral, 3.0) == NOW.timestamp()


@pytest.mark.parametrize("source", ["marketplace", "flex"])
def test_an_absurd_length_is_queued_like_any_other(services, source):
    """It is declared by whoever sends it; a record that cannot be queued would stop the sweeper."""
    asked = {
        "marketplace": Request.marketplace(replace(INVOCATION, duration=1e308)),
        "flex": Request.flex(replace(CALLBACK, duration_seconds=1e308)),
    }[source]
    assert acceptance.accept(services.intake_store, services.dispatcher, asked)
    services.redis.flushall()
    Sweeper(services).sweep()
    assert services.states.get(asked.sid).queue == scheduling.SIZE_CLASSES[-1].name
