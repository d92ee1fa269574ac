"""Tries in Redis: counted, due, shown; what somebody plants there breaks nothing."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace

import pytest

from addon import redis_keys
from addon.webhooks.tries import FARTHEST_S, PAUSES_S, SHOWN, Tries, Try, pause_after

ONE = Try(
    event_id="msg_1",
    type="recording.ready",
    recording_id="RE1",
    at="2026-11-26T09:00:00.000+00:00",
    outcome="failed",
    tries=1,
    seconds=0.2,
    status=500,
    reason="It answered 500.",
    next_s=5.0,
)
NAME = "msg_1-whk_1"


@pytest.fixture
def tries(redis_server) -> Tries:
    return Tries(redis_server)


def test_pauses_grow_for_three_days_and_end():
    pauses = [pause_after(number) for number in range(1, len(PAUSES_S) + 2)]
    assert pauses[:-1] == list(PAUSES_S) == sorted(PAUSES_S)
    assert pauses[-1] is None
    assert sum(PAUSES_S) > 3 * 24 * 3600


def test_what_is_due_comes_first_and_a_time_of_a_wrong_clock_is_due_too(tries, redis_server):
    now = time.time()
    redis_server.zadd(
        redis_keys.WEBHOOKS_OPEN,
        {"later": now - 1, "sooner": now - 9, "not yet": now + 60, "never": now + 2 * FARTHEST_S},
    )
    assert tries.due(now, 10) == ["sooner", "later", "never"]
    assert tries.known() == {"later", "sooner", "not yet", "never"}


def test_tries_are_counted_and_forgotten_with_their_delivery(tries, redis_server):
    assert [tries.count(NAME), tries.count(NAME), tries.counted(NAME)] == [1, 2, 2]
    tries.begin_again(NAME)
    assert tries.counted(NAME) == 0
    tries.count(NAME)
    tries.wait(NAME, 5.0)
    tries.forget(NAME)
    assert redis_server.keys("webhooks:*") == []


def test_the_latest_are_shown_newest_first_and_no_more_than_are_kept(tries):
    for number in range(SHOWN + 5):
        tries.add("whk_1", replace(ONE, tries=number))
    shown = tries.latest("whk_1")
    assert [one.tries for one in shown] == list(range(SHOWN + 4, 4, -1))
    assert len(tries.latest("whk_1", 3)) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"at": "yesterday"},
        {"at": 5},
        {"seconds": "long"},
        {"seconds": True},
        {"status": "x"},
        {"next_s": []},
        {"reason": 1},
        {"recording_id": None},
        {"version": 9},
    ],
    ids=str,
)
def test_what_is_not_of_our_form_is_left_out(tries, redis_server, change):
    tries.add("whk_1", ONE)
    redis_server.lpush(redis_keys.WEBHOOK_TRIES + "whk_1", json.dumps(asdict(ONE) | change))
    redis_server.lpush(redis_keys.WEBHOOK_TRIES + "whk_1", b"\xff")
    assert tries.latest("whk_1") == [ONE]
