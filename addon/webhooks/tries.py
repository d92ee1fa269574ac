"""Tries of webhook deliveries in Redis: when each is due again, how often, and what came of them.

All of it may be lost: what is still to be delivered stands in the store (`outbox.py`), and is then
tried from the beginning.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, ClassVar, cast

import redis

from addon import redis_keys as keys
from addon.errors import UnreadableDocument
from addon.redis_errors import as_unavailable
from addon.stored_documents import StoredDocument

SHOWN = 100
"""Tries that are kept of an endpoint: some pages of them."""

SHOWN_FOR_S = 7 * 24 * 3600

PAUSES_S = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0)
"""Between the tries of a delivery, ten in all over three days (Standard Webhooks, "Retry
Schedule"). Counted and not dated, so that no clock ends them early."""

FARTHEST_S = 2 * PAUSES_S[-1]
"""No delivery waits for longer: a later time was written by a wrong clock, or somebody else."""


@dataclass(frozen=True)
class Try(StoredDocument):
    """One try at one endpoint; `status` is that of the answer, None where none came.

    `outcome` is "delivered", "failed" (it is tried again), "given up", or "disabled" (the endpoint
    is). `next_s` is after how many seconds it is tried again.
    """

    KIND: ClassVar[str] = "webhook try"

    event_id: str
    type: str
    recording_id: str
    at: str
    outcome: str
    tries: int
    seconds: float
    status: int | None = None
    reason: str | None = None
    next_s: float | None = None
    version: int = 1


class Tries:
    """What Redis knows of webhook deliveries, each by its name."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis: Any = connection

    def count(self, name: str) -> int:
        """Count a try of a delivery; how many there were."""
        return int(self._redis.hincrby(keys.WEBHOOK_DELIVERY + name, "tries", 1))

    def counted(self, name: str) -> int:
        """The number of tries of a delivery so far."""
        return int(self._redis.hget(keys.WEBHOOK_DELIVERY + name, "tries") or 0)

    def begin_again(self, name: str) -> None:
        """Forget how often a delivery was tried. Raises QueueUnavailable."""
        with as_unavailable():
            self._redis.hdel(keys.WEBHOOK_DELIVERY + name, "tries")

    def wait(self, name: str, seconds: float) -> None:
        """Let a delivery wait; the sweeper queues it again when it is due."""
        self._redis.zadd(keys.WEBHOOKS_OPEN, {name: time.time() + seconds})

    def forget(self, name: str) -> None:
        """A delivery is over."""
        with self._redis.pipeline() as pipe:
            pipe.zrem(keys.WEBHOOKS_OPEN, name)
            pipe.delete(keys.WEBHOOK_DELIVERY + name)
            pipe.execute()

    def due(self, now: float, limit: int) -> list[str]:
        """The names of deliveries to be looked at, those first that are longest due."""
        options = {"start": 0, "num": limit}
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.zrangebyscore(keys.WEBHOOKS_OPEN, "-inf", now, **options)
            pipe.zrangebyscore(keys.WEBHOOKS_OPEN, now + FARTHEST_S, "+inf", **options)
            due, far = pipe.execute()
        return [name.decode(errors="replace") for name in (*due, *far)]

    def known(self) -> set[str]:
        """The names of all deliveries that are not over."""
        found = self._redis.zrange(keys.WEBHOOKS_OPEN, 0, -1)
        return {name.decode(errors="replace") for name in found}

    def jobs(self, names: list[str]) -> list[str]:
        """The job of each delivery, empty where none is known."""
        with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hget(keys.WEBHOOK_DELIVERY + name, "job")
            found = pipe.execute(raise_on_error=False)
        return [job.decode(errors="replace") if isinstance(job, bytes) else "" for job in found]

    def add(self, endpoint_id: str, one: Try) -> None:
        """Keep a try for the page that shows them."""
        key = keys.WEBHOOK_TRIES + endpoint_id
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.lpush(key, one.to_json())
            pipe.ltrim(key, 0, SHOWN - 1)
            pipe.expire(key, SHOWN_FOR_S)
            pipe.execute()

    def latest(self, endpoint_id: str, limit: int = SHOWN) -> list[Try]:
        """The latest tries at an endpoint, newest first; what is not ours is left out.

        Raises QueueUnavailable.
        """
        with as_unavailable():
            found = self._redis.lrange(keys.WEBHOOK_TRIES + endpoint_id, 0, limit - 1)
        return list(_read(found))


def pause_after(tries: int) -> float | None:
    """Seconds until the next try after so many; None where there is none any more."""
    return PAUSES_S[tries - 1] if 1 <= tries <= len(PAUSES_S) else None


def _read(found: list[bytes]) -> Iterator[Try]:
    for text in found:
        try:
            one = Try.from_json(text)
            if _is_ours(one):
                yield one
        except UnreadableDocument:
            continue


def _is_ours(one: Try) -> bool:
    """True where each field is of its type: whoever writes to Redis must not break the page."""
    texts: list[object] = [one.event_id, one.type, one.recording_id, one.at, one.outcome]
    numbers: list[object] = [one.tries, one.seconds]
    texts += [] if one.reason is None else [one.reason]
    numbers += [each for each in (one.status, one.next_s) if each is not None]
    return (
        all(isinstance(each, str) for each in texts)
        and all(type(each) in (int, float) and isfinite(cast(float, each)) for each in numbers)
        and _is_moment(one.at)
    )


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
