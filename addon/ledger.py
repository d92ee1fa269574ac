"""Every request's state and times in Redis: who claimed it, how far it is, when to look again.

The ledger makes many deliveries of one request into one job, and it is what the SLA is read from.
It is not the truth: all of it can be lost and is rebuilt from the journal (`addon/journal.py`).
Times are seconds since the epoch. No personal data, no URL and no secret may be kept here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from itertools import islice
from typing import Any

import redis
from redis.client import Pipeline
from redis.exceptions import RedisError, WatchError

from addon.errors import QueueUnavailable

RETENTION_S = 48 * 3600
"""Ten times four hours, the longest call Twilio records, with a margin (runtime 4)."""

CLAIM_TRIES = 5
"""A broken connection looks like contention (runtime 3.6); a claim is tried again, not given up."""

OPEN = "ledger:open"
"""Sorted set of unfinished request SIDs, scored by when somebody should look at them again."""

DONE = "ledger:done"
"""Sorted set of finished request SIDs, scored by when they were finished."""

HISTORY = 100_000
"""Finished requests kept for percentiles and questions: 70 MB in Redis, however much comes."""

BATCH = 500
"""Entries read at once: half a megabyte, and no other client waits noticeably."""

QUEUED, WORKING, WAITING, PROCESSED, STUCK, ANSWERED, DONE_STATE = (
    "queued",
    "working",
    "waiting",
    "processed",
    "stuck",
    "answered",
    "done",
)
"""`state` goes from queued to processed to done; `delivery` from queued to answered."""

Enqueue = Callable[[Pipeline], None]


@dataclass(frozen=True)
class Entry:
    """One request as the ledger knows it; every time is None until it has happened.

    `estimate` is the audio's length as guessed, `longest` what it may be at most, `duration` what
    it is, all in seconds. `work_at` and `delivery_at` say when a waiting step is due. `outcome` is
    what became of the answer, and `code` the number in a failure's.
    """

    sid: str
    state: str
    tenant: str = ""
    source: str = ""
    lane: str = ""
    job: str = ""
    received_at: float = 0.0
    estimate: float | None = None
    longest: float | None = None
    duration: float | None = None
    attempts: int = 0
    duplicates: int = 0
    deliveries: int = 0
    work_at: float | None = None
    delivery: str | None = None
    delivery_lane: str = ""
    delivery_job: str = ""
    delivery_at: float | None = None
    started_at: float | None = None
    analysed_at: float | None = None
    archived_at: float | None = None
    delivered_at: float | None = None
    finished_at: float | None = None
    outcome: str | None = None
    code: int | None = None

    @property
    def elapsed(self) -> float | None:
        """Seconds from receipt to the accepted answer."""
        return None if self.delivered_at is None else self.delivered_at - self.received_at

    @property
    def pace(self) -> float | None:
        """Elapsed over the audio's duration: the SLA's own measure (protocol 1.8)."""
        if self.elapsed is None or not self.duration:
            return None
        return self.elapsed / self.duration


class Ledger:
    """One hash a request, and two sorted sets over them."""

    def __init__(self, connection: redis.Redis) -> None:
        # redis-py types an answer as a union over every protocol version
        self.redis: Any = connection

    def claim(self, sid: str, facts: Mapping[str, Any], due: float, enqueue: Enqueue) -> bool:
        """Enter a request and queue its job in one transaction; False for a duplicate.

        `facts` go into the entry (tenant, lane, received_at, …); `enqueue` gets the pipeline.
        Raises QueueUnavailable.
        """
        key = _key(sid)
        try:
            for _ in range(CLAIM_TRIES):
                with self.redis.pipeline() as pipe:
                    try:
                        pipe.watch(key)
                        if _is_entered(pipe, key):
                            pipe.unwatch()
                            self.redis.hincrby(key, "duplicates", 1)
                            return False
                        pipe.multi()
                        self._enter(pipe, sid, {"state": QUEUED, **facts}, due)
                        enqueue(pipe)
                        pipe.execute()
                        return True
                    except WatchError:
                        continue
        except RedisError as error:
            raise QueueUnavailable("the queue does not answer") from error
        raise QueueUnavailable("the queue is too busy with this request")

    def requeue(self, sid: str, due: float, enqueue: Enqueue, **facts: Any) -> None:
        """Queue another job for a request that is entered already."""
        with self.redis.pipeline() as pipe:
            pipe.multi()  # RQ would, and after the first command it is too late
            self._enter(pipe, sid, facts, due)
            enqueue(pipe)
            pipe.execute()

    def mark(self, sid: str, **facts: Any) -> None:
        """Write facts of an entry; None deletes one."""
        with self.redis.pipeline() as pipe:
            self._write(pipe, sid, facts)
            pipe.execute()

    def look_again(self, sid: str, at: float) -> None:
        """Set when an unfinished request is to be looked at; one that is finished stays so."""
        self.redis.zadd(OPEN, {sid: at}, xx=True)

    def look_no_later(self, sid: str, at: float) -> None:
        """As `look_again`, but never later than it was to be looked at before."""
        self.redis.zadd(OPEN, {sid: at}, xx=True, lt=True)

    def duplicate(self, sid: str) -> None:
        """Count a repeated delivery, where the request is known."""
        try:
            if _is_entered(self.redis, _key(sid)):
                self.redis.hincrby(_key(sid), "duplicates", 1)
        except RedisError as error:
            raise QueueUnavailable("the queue does not answer") from error

    def forget(self, sid: str) -> None:
        """Take a request off the unfinished ones."""
        self.redis.zrem(OPEN, sid)

    def began(self, sid: str) -> int:
        """Count an attempt; returns how many there have been."""
        with self.redis.pipeline() as pipe:
            pipe.hincrby(_key(sid), "attempts", 1)
            self._write(pipe, sid, {"state": WORKING, "started_at": time.time()})
            return int(pipe.execute()[0])

    def count(self, sid: str, what: str) -> int:
        """Add one to a count of an entry; returns it."""
        return int(self.redis.hincrby(_key(sid), what, 1))

    def tally(self, sid: str, what: str) -> int:
        """A count of an entry."""
        return int(self.redis.hget(_key(sid), what) or 0)

    def handed_back(self, sid: str) -> None:
        """Take an attempt back that a deploy cut short: it says nothing about the recording."""
        self.redis.hincrby(_key(sid), "attempts", -1)

    def finish(self, sid: str, outcome: str) -> None:
        """Close an entry; it stays readable for RETENTION_S, if no more than HISTORY follow it."""
        now = time.time()
        with self.redis.pipeline() as pipe:
            facts = {"state": DONE_STATE, "outcome": outcome, "finished_at": now}
            self._write(pipe, sid, facts)
            pipe.zrem(OPEN, sid)
            pipe.zadd(DONE, {sid: now})
            pipe.zremrangebyscore(DONE, "-inf", now - RETENTION_S)
            pipe.zcard(DONE)
            finished = pipe.execute()[-1]
        if finished > HISTORY:
            self.forget_finished(finished - HISTORY)

    def forget_finished(self, number: int) -> None:
        """Forget the oldest; a late duplicate of these is known from the journal alone."""
        oldest = [_key(sid.decode()) for sid, _ in self.redis.zpopmin(DONE, number)]
        if oldest:
            self.redis.delete(*oldest)

    def entry(self, sid: str) -> Entry | None:
        """One request, or None."""
        fields = self.redis.hgetall(_key(sid))
        return _entry(sid, fields) if b"state" in fields else None

    def knows(self, sid: str) -> bool:
        """Whether a request was entered. Raises QueueUnavailable."""
        try:
            return _is_entered(self.redis, _key(sid))
        except RedisError as error:
            raise QueueUnavailable("the queue does not answer") from error

    def due(self, now: float, limit: int = 200) -> list[str]:
        """The unfinished requests that somebody should look at by now, most urgent first."""
        return [
            sid.decode() for sid in self.redis.zrangebyscore(OPEN, "-inf", now, start=0, num=limit)
        ]

    def open_count(self) -> int:
        """How many requests are unfinished."""
        return int(self.redis.zcard(OPEN))

    def open_sids(self) -> set[str]:
        """All unfinished requests."""
        return {sid.decode() for sid in self.redis.zrange(OPEN, 0, -1)}

    def finished(self, since: float = 0) -> Iterator[Entry]:
        """Finished requests, oldest first."""
        return self.entries(sid.decode() for sid in self.redis.zrangebyscore(DONE, since, "+inf"))

    def entries(self, sids: Iterable[str]) -> Iterator[Entry]:
        """Many requests, in as few round trips as is decent; those that are gone are left out."""
        remaining = iter(sids)
        while batch := list(islice(remaining, BATCH)):
            with self.redis.pipeline(transaction=False) as pipe:
                for sid in batch:
                    pipe.hgetall(_key(sid))
                found = pipe.execute()
            for sid, fields in zip(batch, found, strict=True):
                if b"state" in fields:
                    yield _entry(sid, fields)

    def _enter(self, pipe: Pipeline, sid: str, facts: Mapping[str, Any], due: float) -> None:
        self._write(pipe, sid, facts)
        pipe.zadd(OPEN, {sid: due})

    def _write(self, pipe: Pipeline, sid: str, facts: Mapping[str, Any]) -> None:
        present = {name: _text(value) for name, value in facts.items() if value is not None}
        absent = [name for name, value in facts.items() if value is None]
        if present:
            pipe.hset(_key(sid), mapping=present)  # type: ignore[arg-type]
        if absent:
            pipe.hdel(_key(sid), *absent)
        pipe.expire(_key(sid), RETENTION_S)


def _key(sid: str) -> str:
    return f"ledger:{sid}"


def _is_entered(connection: Any, key: str) -> bool:
    """Whether a request was claimed or finished here.

    A worker that goes on after Redis was wiped writes facts of a request that nobody has claimed:
    they must not hide it from the sweeper.
    """
    return any(connection.hmget(key, "received_at", "outcome"))


def _text(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _entry(sid: str, fields: Mapping[bytes, bytes]) -> Entry:
    text = {name.decode(): value.decode() for name, value in fields.items()}
    values: dict[str, Any] = {}
    for field in dataclass_fields(Entry):
        if field.name in text:
            values[field.name] = _CONVERT[str(field.type)](text[field.name])
    return Entry(**{**values, "sid": sid})


_CONVERT: dict[str, Callable[[str], Any]] = {
    "str": str,
    "str | None": str,
    "int": int,
    "int | None": int,
    "float": float,
    "float | None": float,
}
