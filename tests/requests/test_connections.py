"""Connections to Redis: the web gives up soon enough to answer, a worker rides an outage out."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import redis

from addon.requests.connections import web_connection, worker_connection


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}"


def test_the_web_does_not_wait_for_a_silent_redis(silent):
    connection = web_connection(silent)
    with pytest.raises(redis.TimeoutError):
        connection.ping()
    connection.connection_pool.disconnect()


def test_each_wait_of_the_web_is_less_than_half_a_second():
    """So that two of them still leave time to answer within a second."""
    pool = web_connection("redis://127.0.0.1:1").connection_pool
    limits = pool.connection_kwargs
    waits = (pool.timeout, limits["socket_timeout"], limits["socket_connect_timeout"])
    assert max(waits) < 0.5


def test_a_worker_waits_for_a_redis_that_is_slow():
    connection = worker_connection("redis://127.0.0.1:1")
    assert connection.connection_pool.connection_kwargs["socket_timeout"] >= 5
