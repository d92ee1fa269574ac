"""Who is at work on a request, said again every second, so that silence means death.

A lease keeps two workers from one request, and tells the sweeper within seconds that a worker was
killed. It is a courtesy and not a lock: with Redis wiped it comes back with the next renewal, and
the archive's conditional writes hold where it fails.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.exceptions import RedisError

TTL_MS = 4000
"""Silence for this long means that the worker is dead: a killed job must run again within 10 s."""

RENEW_S = 1.0
"""Four chances to renew within a lease's life."""

RENEW = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
"""KEYS[1] the lease, ARGV[1] its holder, ARGV[2] its life. Takes it where it is free or ours."""

RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


def key(kind: str, sid: str) -> str:
    """Where the lease for one kind of work on one request lies."""
    return f"lease:{kind}:{sid}"


def held(connection: redis.Redis, kind: str, sid: str) -> bool:
    """Whether anybody is at work."""
    return bool(connection.exists(key(kind, sid)))


@contextmanager
def lease(connection: redis.Redis, kind: str, sid: str) -> Iterator[bool]:
    """Hold a request for as long as the block runs; yields False where somebody else does."""
    holder = secrets.token_hex(8)
    renew: Any = connection.register_script(RENEW)
    name = key(kind, sid)
    if not renew(keys=[name], args=[holder, TTL_MS]):
        yield False
        return
    stop = threading.Event()
    beat = threading.Thread(target=_beat, args=(renew, name, holder, stop), daemon=True)
    beat.start()
    try:
        yield True
    finally:
        stop.set()
        beat.join(timeout=RENEW_S)
        _release(connection, name, holder)


def _beat(renew: Any, name: str, holder: str, stop: threading.Event) -> None:
    while not stop.wait(RENEW_S):
        try:
            renew(keys=[name], args=[holder, TTL_MS])
        except RedisError:
            continue  # an outage: the next beat tries again


def _release(connection: redis.Redis, name: str, holder: str) -> None:
    try:
        release: Any = connection.register_script(RELEASE)
        release(keys=[name], args=[holder])
    except RedisError:
        return  # it ends by itself
