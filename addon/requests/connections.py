"""Connections to Redis: the web's gives up at once, a worker's is patient (spec/runtime 3.3)."""

from __future__ import annotations

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry


def web_connection(url: str) -> redis.Redis:
    """A pool that gives up within half a second, so that the web can still say 503."""
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=32,
        timeout=0.25,
        socket_timeout=0.4,
        health_check_interval=30,
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        **_connect_timeout(url, 0.25),
    )
    return redis.Redis(connection_pool=pool)


def worker_connection(url: str) -> redis.Redis:
    """A patient connection: a restarted Redis is ridden out, a vanished one ends the process."""
    return redis.Redis.from_url(
        url,
        socket_timeout=10,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=1, base=0.1), 8),
        **_connect_timeout(url, 2),
    )


def _connect_timeout(url: str, seconds: float) -> dict[str, float]:
    # A Unix socket connects at once or not at all, and redis-py takes no such argument for it.
    return {} if url.startswith("unix:") else {"socket_connect_timeout": seconds}
