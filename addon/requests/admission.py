"""Admission control: from 80 % of Redis's memory on, nothing new is accepted.

A full Redis takes no job and gives none back: workers exit, and what waits can never make room
(spec/runtime 3.4). So its last fifth belongs to work that was accepted. Only what brings new work
may be refused for it, never a worker, the sweeper or a delivery: they are what makes room.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import redis
from redis.exceptions import RedisError

TIGHT = 0.7
"""Of maxmemory: from here on finished requests are forgotten early, and docs/alerts.yml calls."""

FULL = 0.8
"""Of maxmemory: from here on nothing new is accepted (spec/runtime 3.4)."""

REMEMBERED_S = 1.0
"""One reading serves a process for so long. A core of the web accepts 0.4 MB in that time, and a
fifth of the smallest Redis that one would rent, 25 MB, is 5 MB (decision 0703)."""


class Memory(NamedTuple):
    """Bytes in use, and maxmemory: 0 where there is none or Redis does not tell."""

    used: int = 0
    limit: int = 0

    @property
    def share(self) -> float:
        """The part of the limit that is in use; 0 without a limit."""
        return self.used / self.limit if self.limit else 0.0


class AdmissionControl:
    """Redis's memory as this process last read it; safe for threads."""

    def __init__(
        self, connection: redis.Redis, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._redis: Any = connection
        self._clock = clock
        self._lock = threading.Lock()
        self._memory = Memory()
        self._until = float("-inf")

    def memory(self) -> Memory:
        """At most REMEMBERED_S old, whatever it said. Never raises."""
        with self._lock:  # the others wait for one reading instead of each making its own
            if self._clock() >= self._until:
                self._memory = _read(self._redis)
                self._until = self._clock() + REMEMBERED_S
            return self._memory

    def is_tight(self) -> bool:
        """True if what can be done without should go."""
        return self.memory().share >= TIGHT

    def has_room(self) -> bool:
        """True if new work may be accepted."""
        return self.memory().share < FULL


def _read(connection: Any) -> Memory:
    """The reading of INFO. Some hosts forbid it or leave fields out: then no limit is known."""
    try:
        told = connection.info("memory")
    except RedisError:
        return Memory()
    used, limit = told.get("used_memory"), told.get("maxmemory")
    return Memory(used if isinstance(used, int) else 0, limit if isinstance(limit, int) else 0)
