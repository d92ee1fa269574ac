"""Leases: one holder, renewed while it lives, silent when it is dead, back after a wipe."""

from __future__ import annotations

import os
import signal
from types import SimpleNamespace

import pytest
import redis
from redis.exceptions import ConnectionError as RedisConnectionError

import addon.requests.lease
from addon.errors import LeaseLost
from addon.requests.lease import TTL_MS, held, key, lease, release_of
from tests.child import die
from tests.stack.running import PATIENCE_S, wait_until

ANOTHERS = b"another-machine:1:0011223344556677"


def test_one_at_a_time(redis_server):
    with lease(redis_server, "process", "XR1") as first:
        assert first
        with lease(redis_server, "process", "XR1") as second:
            assert not second
        with lease(redis_server, "deliver", "XR1") as other_work:
            assert other_work
        assert held(redis_server, "process", "XR1")
    assert not held(redis_server, "process", "XR1")


def test_leaving_gives_back_only_ones_own(redis_server):
    with lease(redis_server, "process", "XR1"):
        redis_server.set(key("process", "XR1"), "somebody else")
    assert redis_server.get(key("process", "XR1")) == b"somebody else"


def test_it_comes_back_by_itself_after_a_wipe(redis_server):
    with lease(redis_server, "process", "XR1"):
        redis_server.flushall()
        wait_until(lambda: held(redis_server, "process", "XR1"))


def test_it_outlasts_its_own_life_while_the_holder_lives(redis_server, monkeypatch):
    monkeypatch.setattr("addon.requests.lease.RENEW_S", 0.02)
    with lease(redis_server, "process", "XR1") as mine:
        for _ in range(3):
            redis_server.pexpire(mine.name, TTL_MS * 100)
            wait_until(lambda: redis_server.pttl(mine.name) <= TTL_MS)
            assert redis_server.pttl(mine.name) > 0


def hold_and_die(url: str) -> None:
    addon.requests.lease.TTL_MS = 200
    with lease(redis.Redis.from_url(url), "process", "XR1"):
        die()


def test_it_ends_soon_after_a_killed_holder(redis_url, redis_server, children):
    assert children.run(hold_and_die, redis_url) == -signal.SIGKILL
    wait_until(lambda: not held(redis_server, "process", "XR1"))


def test_an_outage_does_not_end_the_work(redis_url):
    connection = redis.Redis.from_url(redis_url)
    with lease(connection, "process", "XR2") as mine:
        assert mine
        connection.connection_pool.disconnect()
        connection.connection_pool = redis.ConnectionPool.from_url("redis://127.0.0.1:1")


def taken_over(connection: redis.Redis) -> None:
    connection.set(key("process", "XR1"), ANOTHERS)


def test_a_holder_that_asks_has_it_from_then_on(redis_server):
    with lease(redis_server, "process", "XR1") as mine:
        mine.confirm()
        redis_server.delete(mine.name)
        mine.confirm()
        assert redis_server.get(mine.name).decode() == mine.holder
        assert redis_server.pttl(mine.name) > 0


def test_a_holder_that_lost_it_hears_so_for_good(redis_server):
    """Whoever had it in between may have done everything."""
    with lease(redis_server, "process", "XR1") as mine:
        taken_over(redis_server)
        with pytest.raises(LeaseLost):
            mine.confirm()
        redis_server.delete(mine.name)
        with pytest.raises(LeaseLost):
            mine.confirm()
        assert not held(redis_server, "process", "XR1")


def test_a_former_holders_beat_took_the_lease_back_once_its_successor_was_done(
    redis_server, monkeypatch
):
    monkeypatch.setattr("addon.requests.lease.RENEW_S", 0.01)
    with lease(redis_server, "process", "XR1") as mine:
        taken_over(redis_server)
        assert mine._lost.wait(PATIENCE_S)
        redis_server.delete(mine.name)
        assert not mine.renew()
    assert not held(redis_server, "process", "XR1")


def test_who_lost_it_stops_in_quiet_and_says_so_once(redis_server, monkeypatch):
    reached, said = [], []
    logger = SimpleNamespace(warning=lambda event, **_facts: said.append(event))
    monkeypatch.setattr("addon.requests.lease.logger", logger)
    with lease(redis_server, "process", "XR1") as mine:
        taken_over(redis_server)
        mine.confirm()
        reached.append("what cannot be taken back")
    assert reached == []
    assert redis_server.get(key("process", "XR1")) == ANOTHERS
    assert said == ["left to its new holder"]


def test_without_redis_nobody_can_say(redis_server, redis_url):
    connection = redis.Redis.from_url(redis_url)
    with lease(connection, "process", "XR1") as mine:
        connection.connection_pool.disconnect()
        connection.connection_pool = redis.ConnectionPool.from_url("redis://127.0.0.1:1")
        with pytest.raises(RedisConnectionError):
            mine.confirm()
        connection.connection_pool = redis.ConnectionPool.from_url(redis_url)
        mine.confirm()


def test_a_dead_processs_hold_is_released_and_nobody_elses(redis_server):
    with lease(redis_server, "process", "XR1") as mine:
        for other in (os.getpid() * 10, os.getpid() // 10, 1):
            release_of(redis_server, "process", "XR1", other)
            assert redis_server.get(mine.name).decode() == mine.holder
        release_of(redis_server, "process", "XR1", os.getpid())
        assert not held(redis_server, "process", "XR1")
