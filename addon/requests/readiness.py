"""Tries what accepting a request needs: a write to Redis, an object in the store, and room.

A store that can be read may be full or read-only all the same. What a try writes it removes again,
or it ends by itself.
"""

from __future__ import annotations

import os
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache

import redis

from addon import redis_keys
from addon.archive.prefixes import PROBES
from addon.archive.store import Store
from addon.errors import AddonError, StoreUnavailable
from addon.redis_commands import Script

PROBE_BYTES = 4096
"""A whole block of a file system: a name alone may fit where nothing else does."""

KEPT_MS = 1000
"""How long the key of a try stays in Redis."""

READY_S = 10.0
"""A good result serves a process for so long: a write to a bucket costs money, and /readyz is open
to anybody."""

WAITING_S = 2.0
"""A bad one: the machine that follows it wants to come back soon."""

_WRITE = Script("return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])")


def write_to_redis(client: redis.Redis) -> None:
    """Set a key that ends by itself, from a script, as accepting does.

    Raises RedisError, also where the server is a replica, full, or cannot write its file.
    """
    _WRITE(client, [redis_keys.READINESS], [1, KEPT_MS])


def write_to_store(store: Store) -> None:
    """Write an object, read it back and remove it. Raises StoreUnavailable.

    A web process need not be allowed to delete: then one object a process stays, which is written
    over.
    """
    key, content = f"{PROBES}ready-{_process()}", os.urandom(PROBE_BYTES)
    try:
        store.put(key, [content], if_absent=False)
        if store.get(key) != content:
            raise StoreUnavailable("the store gives back other bytes than it was given")
    finally:
        with suppress(AddonError):
            store.delete(key)


def write_to_disk() -> None:
    """Write a temporary file, as an upload's spool is one. Raises OSError."""
    with tempfile.TemporaryFile() as file:
        file.write(os.urandom(PROBE_BYTES))
        file.flush()


@cache
def _process() -> str:
    return secrets.token_hex(8)


class Readiness:
    """The names of what is missing, as this process last tried it; safe for threads.

    For what costs more than a message to Redis. A try raises OSError or AddonError where something
    is missing.
    """

    def __init__(
        self,
        tries: Mapping[str, Callable[[], object]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tries = tries
        self._clock = clock
        self._lock = threading.Lock()
        self._missing: tuple[str, ...] | None = None
        self._until = float("-inf")

    def missing(self) -> tuple[str, ...]:
        """Names what is missing, at most READY_S or WAITING_S old.

        One thread tries at a time. While a try is slow, the others get the result before it.
        """
        known = self._missing
        if known is not None and self._clock() < self._until:
            return known
        if not self._lock.acquire(blocking=known is None):
            return known or ()
        try:
            if self._missing is None or self._clock() >= self._until:
                found = tuple(name for name, attempt in self._tries.items() if _fails(attempt))
                self._missing = found
                self._until = self._clock() + (WAITING_S if found else READY_S)
            return self._missing
        finally:
            self._lock.release()


def _fails(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (OSError, AddonError):
        return True
    return False
