"""A bounded cache with expiry: cachetools' one with its lock, as every package here uses it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import TLRUCache

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class BoundedCache(Generic[Key, Value]):
    """At most `size` values; the least recently used goes first. Safe to share between threads.

    A value lives for `seconds`, or until the moment that `put` is given, in seconds of `clock`.
    """

    def __init__(
        self,
        size: int,
        *,
        seconds: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = threading.Lock()
        self._seconds = seconds
        self._clock = clock
        self._entries: TLRUCache[Key, tuple[Value, float]] = TLRUCache(
            size, ttu=lambda _key, entry, _now: entry[1], timer=clock
        )

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Value | None:
        """The value under `key`, or None where there is none any more."""
        with self._lock:
            try:
                return self._entries[key][0]  # its own `get` looks twice
            except KeyError:
                return None

    def put(self, key: Key, value: Value, *, until: float = math.inf) -> Value:
        """Keep `value`, and give it back."""
        with self._lock:
            self._entries[key] = value, min(until, self._clock() + self._seconds)
        return value

    def get_or(self, key: Key, find: Callable[[], Value]) -> Value:
        """The value under `key`, found and kept where there is none. Raises what `find` raises.

        Two threads may look for the same value; nobody waits for the other.
        """
        value = self.get(key)
        return self.put(key, find()) if value is None else value

    def remove(self, key: Key) -> None:
        """Forget a value."""
        with self._lock:
            self._entries.pop(key, None)
