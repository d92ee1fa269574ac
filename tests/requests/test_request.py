"""A request, from each source's description: its names, its length, and its deadline."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from addon.requests import scheduling
from addon.requests.request import FLEX, MARKETPLACE, RINGCENTRAL, Request, has_deadline
from addon.twilio.invocation import Invocation
from addon.twilio.status_callback import StatusCallback
from tests.conftest import ACCOUNT
from tests.web.requests import INSTALL, new_sid

NOW = datetime.now(UTC)
RECORDING = "RE" + 32 * "1"


def callback(**changes: object) -> StatusCallback:
    return StatusCallback(
        recording_sid=RECORDING,
        account_sid=ACCOUNT,
        status="completed",
        received_at=NOW,
        **changes,  # type: ignore[arg-type]
    )


def test_an_invocation_is_known_by_its_own_sid_and_its_install():
    sid = new_sid()
    request = Request.marketplace(
        Invocation(request_sid=sid, received_at=NOW, install=INSTALL, usage_key="flex", size=48000)
    )
    assert (request.sid, request.tenant) == (sid, INSTALL)
    assert request.integrations == ("FLEX",)
    assert request.length.estimate == 3.0


def test_a_flex_recording_is_one_request_however_often_it_is_announced():
    assert Request.flex(callback()).sid == Request.flex(callback(task_sid="WT1")).sid == RECORDING


@pytest.mark.parametrize(("announced_by", "queue"), [("callback", None), ("backfill", "backfill")])
def test_a_backfilled_recording_waits_behind_all_others(announced_by, queue):
    assert Request.flex(callback(announced_by=announced_by)).queue == queue


@pytest.mark.parametrize(
    ("seconds", "length"), [(None, (scheduling.UNKNOWN_S, None)), (61.0, (61.0, 61.0))]
)
def test_a_declared_length_is_an_upper_bound(seconds, length):
    found = Request.flex(callback(duration_seconds=seconds)).length
    assert (found.estimate, found.longest) == length


def test_only_the_marketplace_has_a_deadline_and_a_source_that_is_not_named_may_have_one():
    assert has_deadline(MARKETPLACE)
    assert has_deadline("")
    assert not has_deadline(FLEX)
    assert not has_deadline(RINGCENTRAL)
