"""The requests whose failure is due: which are sent first, and what Redis says of how many."""

from __future__ import annotations

import time

import pytest

from addon import redis_keys
from addon.requests import scheduling, selection
from addon.requests.failures_due import FailuresDue

NOW = 1_800_000_000.0


@pytest.fixture
def due(redis_server) -> FailuresDue:
    return FailuresDue(redis_server)


def test_those_that_twilio_fails_next_come_first_and_then_those_it_has_failed(due):
    due.add({"XR1": NOW - 9, "XR2": NOW + 5, "XR3": NOW + 2, "XR4": NOW - 3})
    assert due.first(NOW, 9) == ["XR3", "XR2", "XR1", "XR4"]
    assert due.first(NOW, 3) == ["XR3", "XR2", "XR1"]
    assert due.first(NOW, 1) == ["XR3"]
    assert due.first(NOW, 0) == []
    due.drop(["XR3", "XR1"])
    assert due.count() == 2


def accept(services, seconds: float) -> None:
    services.dispatcher.accept(
        f"XR{seconds}",
        tenant="XD1",
        source="marketplace",
        received_at=time.time(),
        length=scheduling.Length(seconds, seconds),
    )


@pytest.mark.parametrize("seconds", [4.0, 100.0, 3600.0])
def test_while_a_recording_waits_in_any_queue_the_reserve_pays(services, due, seconds):
    idle = due.may_be_sent(time.time())
    accept(services, seconds)
    assert due.may_be_sent(time.time()) == 0 < idle
    services.redis.hset(redis_keys.RESERVES, "failures", 2.5 * selection.FAILURE_S)
    assert due.may_be_sent(time.time()) == 2
    assert due.may_be_sent(time.time() + 8.5 * seconds) == idle, "it is late itself"


def test_the_pace_of_the_latest_jobs_says_what_can_be_in_time(services, due):
    accept(services, 4.0)
    slow = [60.0] * selection.SAMPLES
    services.redis.rpush(f"{redis_keys.SERVICE_TIMES}express", *slow)
    assert due.may_be_sent(time.time()) > 0


@pytest.mark.parametrize("planted", ["nan", "inf", "many", ""])
def test_a_reserve_that_is_no_number_pays_for_nothing(services, due, planted):
    accept(services, 4.0)
    services.redis.hset(redis_keys.RESERVES, "failures", planted)
    assert due.may_be_sent(time.time()) == 0


def test_deliveries_that_wait_are_counted_and_failures_that_are_queued_are_paid(services, due):
    idle = due.may_be_sent(time.time())
    services.dispatcher.deliver_failures(["XR1", "XR2", "XR3"])
    assert due.may_be_sent(time.time()) == idle - 3
    owed = float(services.redis.hget(redis_keys.RESERVES, "failures"))
    assert owed == pytest.approx(-3 * selection.FAILURE_S)
