"""Both kinds of request come out of the journal as they went in, and answer the same questions."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from addon.errors import Tampered
from addon.journal import Intake
from addon.twilio.invocation import Invocation
from addon.twilio.status_callback import StatusCallback
from tests.conftest import ACCOUNT
from tests.twilio.standin import sid
from workers import intake, lanes, requests
from workers.flex import FlexRequest
from workers.marketplace import GIVE_UP_FLOOR_S, MarketplaceRequest
from workers.sweep import Sweeper

NOW = datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC)

INVOCATION = Invocation("XR1", NOW, install="XD1", duration=60.0, usage_key="recording_dial")
CALLBACK = StatusCallback(
    ACCOUNT, sid("RE", 1), "completed", NOW, duration_seconds=37.0, source="Conference"
)
BOTH = [MarketplaceRequest(INVOCATION), FlexRequest(CALLBACK)]


@pytest.mark.parametrize("request_", BOTH, ids=lambda each: each.source)
def test_a_request_is_read_as_it_was_written(request_):
    intake = Intake(request_.source, request_.to_json(), iter(()))
    assert requests.read(intake) == request_


def test_what_nobody_knows_is_left_for_a_person():
    with pytest.raises(Tampered):
        requests.read(Intake("carrier pigeon", "{}", iter(())))


def test_each_kind_answers_every_question():
    """What `workers/requests.py` lists at its top, and nothing else is public."""
    questions = set(re.findall(r"[a-z_]+", re.search(r"(    .*\n)+", requests.__doc__)[0]))
    asked = {"has_deadline", "encryption", "audio", "as_received", "offer", "when_safe", "lane"}
    asked |= {"waits_for_source", "give_up_at", "length"}
    for kind in requests.KINDS.values():
        names = {name for name, _ in inspect.getmembers(kind) if not name.startswith("_")}
        own = names - {"from_json", "to_json"} - {each.name for each in fields(kind)}
        assert own - questions == set(), kind
        assert asked <= own, kind


def test_a_record_of_an_older_release_is_still_read():
    """Fields that came later have defaults: a deploy finds what the one before accepted."""
    older = json.loads(CALLBACK.to_json())
    for name in ("task_sid", "reservation_sid", "announced_by"):
        del older[name]
    assert FlexRequest.from_json(json.dumps(older)) == FlexRequest(CALLBACK)


def test_lanes_and_names_and_deadlines():
    marketplace, flex = BOTH
    assert (marketplace.length.estimate, flex.length.estimate) == (60.0, 37.0)
    assert (marketplace.integrations, flex.integrations) == (
        ("RECORDING_DIAL",),
        ("CONFERENCE", "FLEX"),
    )
    assert requests.has_deadline("marketplace") and not requests.has_deadline("flex")
    assert requests.has_deadline("")  # an entry of before there were kinds
    assert marketplace.give_up_at(3.0) == NOW.timestamp() + GIVE_UP_FLOOR_S
    assert marketplace.give_up_at(3600.0) == lanes.deadline(NOW.timestamp(), 3600.0)
    assert flex.give_up_at(3.0) > NOW.timestamp() + 3600


@pytest.mark.parametrize("source", ["marketplace", "flex"])
def test_an_absurd_length_is_queued_like_any_other(services, source):
    """It is declared by whoever sends it; a record that cannot be queued would stop the sweeper."""
    asked = {
        "marketplace": MarketplaceRequest(replace(INVOCATION, duration=1e308)),
        "flex": FlexRequest(replace(CALLBACK, duration_seconds=1e308)),
    }[source]
    assert intake.accept(services.journal, services.dispatcher, asked)
    services.redis.flushall()
    Sweeper(services).sweep()
    assert services.ledger.entry(asked.sid).lane == lanes.LANES[-1].name
