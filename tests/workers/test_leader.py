"""The sweeper's process: one at a time, whatever happens to Redis, the store or the other one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis

from addon.errors import StoreUnavailable
from addon.redis_keys import SWEEPER
from workers.leader import EVERY_S, LEADERSHIP_MS, PAUSE_S, lead


def test_one_is_active_and_the_other_stands_by(services):
    done: list[str] = []
    for name in ("first", "second", "first"):
        assert lead(services, name, [lambda name=name: done.append(name)]) == EVERY_S
    assert done == ["first", "first"]


def test_another_takes_over_from_a_dead_one(services):
    done: list[str] = []
    lead(services, "first", [lambda: done.append("first")])
    assert 0 < services.redis.pttl(SWEEPER) <= LEADERSHIP_MS
    services.redis.delete(SWEEPER)
    lead(services, "second", [lambda: done.append("second")])
    assert done == ["first", "second"]


@pytest.mark.parametrize("error", [StoreUnavailable("away"), RuntimeError("a defect")])
def test_a_step_that_fails_is_tried_again_after_a_pause(services, error):
    def fail() -> None:
        raise error

    assert lead(services, "me", [fail]) == PAUSE_S


def test_an_outage_of_redis_is_waited_out_and_not_busily(services):
    away = replace(services, redis=redis.Redis.from_url("redis://127.0.0.1:1"))
    assert lead(away, "me", [pytest.fail]) == PAUSE_S
