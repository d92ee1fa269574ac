"""Rate limits of RingCentral by user (spec/protocol 7.4), counted in Redis; pauses are obeyed.

RingCentral counts by user and group, and prolongs the wait of a client that asks while the limit is
reached, so all processes share one count here. It starts from the documented numbers and follows
the headers of every answer. Where Redis does not answer, nothing is sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

import redis

from addon.errors import RingCentralUnavailable
from addon.outbound import Response
from addon.redis_errors import as_unavailable
from addon.redis_keys import RINGCENTRAL_LIMIT

Group = Literal["Light", "Medium", "Heavy", "Auth"]

PER_MINUTE: dict[Group, int] = {"Light": 50, "Medium": 40, "Heavy": 10, "Auth": 5}
"""Requests in a minute where no answer has said otherwise."""

WINDOW_S = 60

UNSAID_PAUSE_S = 60.0
"""The penalty window: each request inside it starts it anew, so all of it is waited for."""

MAX_WINDOW_S = 3600
"""The longest window that is believed of a header."""

TAKE = """
local now = tonumber(ARGV[1])
local said = redis.call('HMGET', KEYS[1], 'size', 'window', 'paused')
local size, window = tonumber(said[1]) or tonumber(ARGV[2]), tonumber(said[2]) or tonumber(ARGV[3])
local paused = (tonumber(said[3]) or 0) - now
if paused > 0 then return tostring(paused) end
local before = redis.call('LINDEX', KEYS[2], size - 1)
local wait = before and tonumber(before) + window - now or 0
if wait > 0 then return tostring(wait) end
redis.call('LPUSH', KEYS[2], ARGV[1])
redis.call('LTRIM', KEYS[2], 0, size - 1)
redis.call('EXPIRE', KEYS[2], window)
return '0'
"""
"""KEYS: what answers said, the latest requests. ARGV: now, size, window. Counts one and gives 0,
or gives the seconds to wait: no window, wherever it begins, ever holds more than `size`."""

PAUSE = """
local until_when = tonumber(ARGV[1])
if until_when > (tonumber(redis.call('HGET', KEYS[1], 'paused')) or 0) then
  redis.call('HSET', KEYS[1], 'paused', ARGV[1])
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""
"""KEYS: what answers said. ARGV: until when, how long to remember. A pause is never shortened."""


class Limits:
    """The count of every user's requests. `clock` gives Unix seconds."""

    def __init__(self, connection: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis = connection
        self._clock = clock
        self._take: Any = connection.register_script(TAKE)
        self._pause: Any = connection.register_script(PAUSE)

    def take(self, user: str, group: Group) -> None:
        """Count one request. Raises RingCentralUnavailable, saying how long to wait."""
        with as_unavailable():
            wait = float(
                self._take(
                    keys=[_key(user, group), f"{_key(user, group)}:requests"],
                    args=[self._clock(), PER_MINUTE[group], WINDOW_S],
                )
            )
        if wait > 0:
            raise RingCentralUnavailable(
                "RingCentral's limit of requests for this account is reached", retry_after=wait
            )

    def learn(self, user: str, group: Group, response: Response) -> None:
        """Take over limits from an answer: requests allowed and left, and how long to wait.

        The numbers are those of the group that the answer names. A pause holds for that one and for
        `group`, in which the same request would be sent again.
        """
        named = _named(response.headers.get("X-Rate-Limit-Group"), group)
        limit = _whole(response.headers.get("X-Rate-Limit-Limit"))
        left = _whole(response.headers.get("X-Rate-Limit-Remaining"))
        window = min(_whole(response.headers.get("X-Rate-Limit-Window")) or WINDOW_S, MAX_WINDOW_S)
        with as_unavailable():
            if limit:
                self._redis.hset(_key(user, named), items=["size", limit, "window", window])
                self._redis.expire(_key(user, named), window * 2)
            if response.status == 429 or left == 0:
                wait = pause_of(response) if response.status == 429 else window
                for each in {named, group}:
                    self.pause(user, each, wait or 0.0)

    def pause(self, user: str, group: Group, seconds: float) -> None:
        """Let no request through for so long."""
        with as_unavailable():
            until = self._clock() + seconds
            self._pause(keys=[_key(user, group)], args=[until, int(seconds) + 2 * WINDOW_S])


def pause_of(response: Response) -> float | None:
    """Seconds to wait, as an answer says; after a 429 that does not say, all of the window."""
    unsaid = UNSAID_PAUSE_S if response.status == 429 else None
    return unsaid if response.retry_after is None else response.retry_after


def _named(text: str | None, otherwise: Group) -> Group:
    """The group of this name, in any case."""
    name = (text or "").strip().lower()
    return next((group for group in PER_MINUTE if group.lower() == name), otherwise)


def _whole(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _key(user: str, group: Group) -> str:
    return f"{RINGCENTRAL_LIMIT}{group}:{user}"
