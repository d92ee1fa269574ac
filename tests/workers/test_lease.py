"""Leases: one holder, renewed while it lives, silent when it is dead, back after a wipe."""

from __future__ import annotations

import os
import signal
import time

import redis

from workers.lease import RENEW_S, held, key, lease


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
        until = time.monotonic() + 10 * RENEW_S
        while not held(redis_server, "process", "XR1"):
            assert time.monotonic() < until
            time.sleep(0.02)


def test_it_outlasts_its_own_life_while_the_holder_lives(redis_server, monkeypatch):
    monkeypatch.setattr("workers.lease.RENEW_S", 0.02)
    monkeypatch.setattr("workers.lease.TTL_MS", 200)
    with lease(redis_server, "process", "XR1"):
        until = time.monotonic() + 0.6
        while time.monotonic() < until:
            assert held(redis_server, "process", "XR1")


def test_it_ends_soon_after_a_killed_holder(redis_url, redis_server, monkeypatch):
    monkeypatch.setattr("workers.lease.TTL_MS", 200)
    pid = os.fork()
    if not pid:
        with lease(redis.Redis.from_url(redis_url), "process", "XR1"):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    until = time.monotonic() + 10
    while held(redis_server, "process", "XR1"):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_an_outage_does_not_end_the_work(redis_url):
    connection = redis.Redis.from_url(redis_url)
    with lease(connection, "process", "XR2") as mine:
        assert mine
        connection.connection_pool.disconnect()
        connection.connection_pool = redis.ConnectionPool.from_url("redis://127.0.0.1:1")
