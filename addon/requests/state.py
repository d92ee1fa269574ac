"""State and times of every request, in Redis; many deliveries of one request become one job here.

The SLA is read from it. All of it can be lost, and is made again from the intake store. Times are
seconds since the epoch. No personal data, URL or secret may be in it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from itertools import chain, islice
from typing import Any

import redis
from redis.client import Pipeline

from addon import redis_keys as keys
from addon.redis_commands import Word, all_done, execute, execute_all
from addon.redis_commands import fields as fields_of
from addon.redis_errors import as_unavailable, ignoring_wrong_type, is_wrong_type
from addon.requests import claiming
from addon.requests.claiming import Claim
from addon.requests.queued_job import QueuedJob

RETENTION_S = 48 * 3600
"""Ten times four hours, the longest call Twilio records, with a margin (spec/runtime 4)."""

FARTHEST_S = 60.0
"""Twice the usual time to the next look: what is farther ahead is looked at now."""

HISTORY = 100_000
"""Finished requests kept for percentiles and questions: 70 MB in Redis, however much comes."""

BATCH = 500
"""Entries read at once: half a megabyte, and no other client waits noticeably."""

QUEUED = "queued"
WORKING = "working"
WAITING = "waiting"
PROCESSED = "processed"
STUCK = "stuck"
ANSWERED = "answered"
DONE = "done"
"""`state` goes from queued to processed to done; `delivery` from queued to answered."""

STORED_AS = {"queue": "lane", "delivery_queue": "delivery_lane"}
"""Fields whose name in the hash is another one, which the release before reads and writes."""

POSTPONE = """
for i = 1, #ARGV, 3 do
  if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i])) == tonumber(ARGV[i + 1]) then
    redis.call('ZADD', KEYS[1], ARGV[i + 2], ARGV[i])
  end
end
"""
"""KEYS[1] the unfinished requests, ARGV: a SID, its score, and the one to set, and so on."""

Enqueue = Callable[[Pipeline], None]


@dataclass(frozen=True)
class RequestState:
    """State of one request; every time is None until it has happened.

    `fetches` counts the failed downloads. `estimate` is the audio's length as guessed, `longest`
    what it may be at most, `duration` what it is, all in seconds. `work_at` and `delivery_at` say
    when a waiting step is due, `work_pause` and `delivery_pause` how many seconds ahead that was.
    `outcome` is what became of the answer, `code` a failure's number, or that of what its work
    found since: what turns out to be no recording missed no deadline. `taken`, `delivered_at`
    signed, alone keeps an answer from being sent again. STORED_AS has the hash's names.
    """

    sid: str
    state: str
    tenant: str = ""
    source: str = ""
    queue: str = ""
    job: str = ""
    received_at: float = 0.0
    estimate: float | None = None
    longest: float | None = None
    duration: float | None = None
    attempts: int = 0
    duplicates: int = 0
    deliveries: int = 0
    fetches: int = 0
    work_at: float | None = None
    work_pause: float | None = None
    delivery: str | None = None
    delivery_queue: str = ""
    delivery_job: str = ""
    delivery_at: float | None = None
    delivery_pause: float | None = None
    started_at: float | None = None
    analysed_at: float | None = None
    archived_at: float | None = None
    delivered_at: float | None = None
    taken: str | None = None
    finished_at: float | None = None
    outcome: str | None = None
    code: int | None = None

    @property
    def elapsed(self) -> float | None:
        """Seconds from receipt to the accepted answer."""
        return None if self.delivered_at is None else self.delivered_at - self.received_at

    @property
    def pace(self) -> float | None:
        """Elapsed over the audio's duration: the SLA's own measure (spec/protocol 1.8)."""
        if self.elapsed is None or not self.duration:
            return None
        return self.elapsed / self.duration


class RequestStates:
    """State of all requests: a hash for each, and a sorted set each of unfinished and finished."""

    def __init__(self, connection: redis.Redis) -> None:
        # redis-py types an answer as a union over every protocol version
        self.redis: Any = connection

    def claim(
        self, sid: str, facts: Mapping[str, Any], due: float, job: QueuedJob, counter: str
    ) -> claiming.Entered:
        """Enter a request and queue its job in one step; a duplicate is counted.

        `facts` are fields of its state, `counter` counts it. Raises QueueUnavailable.
        """
        present, _ = _stored({"state": QUEUED, **facts})
        with as_unavailable():
            return claiming.enter(self.redis, Claim(sid, present, due, RETENTION_S, counter, job))

    def requeue(self, sid: str, due: float, enqueue: Enqueue, **facts: Any) -> None:
        """Queue another job for a request that is entered already."""
        with self.redis.pipeline() as pipe:
            pipe.multi()  # RQ would, and after the first command it is too late
            self.enter(pipe, sid, facts, due)
            enqueue(pipe)
            pipe.execute()

    def take_uncounted(self) -> list[RequestState]:
        """Finished requests that are in no metric yet, BATCH at most; each is given once."""
        sids = _sids(self.redis.lpop(keys.REQUESTS_UNCOUNTED, BATCH) or [])
        with self.redis.pipeline(transaction=False) as pipe:
            for sid in sids:
                pipe.hsetnx(_key(sid), "counted", 1)
                pipe.hgetall(_key(sid))
            found = iter(pipe.execute(raise_on_error=False))
        entries = (
            _state(sid, fields) if is_first == 1 else None
            for sid, (is_first, fields) in zip(sids, zip(found, found, strict=True), strict=True)
        )
        return [entry for entry in entries if entry is not None]

    def mark(self, sid: str, **facts: Any) -> None:
        """Write fields of a request's state; None deletes one. It lives as long as before."""
        if facts:
            all_done(execute_all(self.redis, _written(sid, facts)))

    def wait_for_work(self, sid: str, seconds: float) -> None:
        """Let the work wait; the sweeper queues it again when it is due."""
        at = time.time() + seconds
        self.mark(sid, state=WAITING, work_at=at, work_pause=float(seconds))
        self.look_again(sid, at)

    def wait_for_delivery(self, sid: str, seconds: float) -> None:
        """Let a delivery wait; the sweeper queues it again when it is due."""
        at = time.time() + seconds
        self.mark(sid, delivery=WAITING, delivery_at=at, delivery_pause=float(seconds))
        self.look_again(sid, at)

    def look_again(self, sid: str, at: float) -> None:
        """Set when an unfinished request is to be looked at; one that is finished stays so."""
        execute(self.redis, "ZADD", keys.REQUESTS_OPEN, "XX", at, sid)

    def look_no_later(self, sid: str, at: float) -> None:
        """As `look_again`, but never later than it was to be looked at before."""
        execute(self.redis, "ZADD", keys.REQUESTS_OPEN, "XX", "LT", at, sid)

    def postpone(self, looks: Mapping[str, tuple[float, float]]) -> None:
        """Set when requests are looked at next, each from a time to another.

        Where the time is not the first any more, somebody has set it since, and it stays.
        """
        if looks:
            each = [part for sid, (was, at) in looks.items() for part in (sid, was, at)]
            self.redis.eval(POSTPONE, 1, keys.REQUESTS_OPEN, *each)

    def count_duplicate(self, sid: str) -> None:
        """Count a repeated delivery, where the request is known."""
        with as_unavailable():
            if _is_entered(self.redis, _key(sid)):
                self.redis.hincrby(_key(sid), "duplicates", 1)

    def drop_open(self, sid: str) -> None:
        """Take a request off the unfinished ones."""
        self.redis.zrem(keys.REQUESTS_OPEN, sid)

    def begin_attempt(self, sid: str, look_at: float) -> RequestState:
        """Count an attempt, and set when the request is to be looked at; returns its state."""
        key = _key(sid)
        commands = (
            ("HINCRBY", key, "attempts", 1),
            *_written(sid, {"state": WORKING, "started_at": time.time()}),
            ("EXPIRE", key, RETENTION_S),  # it is new where Redis was emptied
            ("ZADD", keys.REQUESTS_OPEN, "XX", look_at, sid),
            ("HGETALL", key),
        )
        found = all_done(execute_all(self.redis, commands))[-1]
        return _state(sid, fields_of(found)) or RequestState(sid, WORKING, attempts=1)

    def count(self, sid: str, what: str) -> int:
        """Add one to a count of a request's state; returns it."""
        return int(execute(self.redis, "HINCRBY", _key(sid), what, 1))

    def take_back_attempt(self, sid: str) -> None:
        """Uncount an attempt that a deploy cut short: it says nothing about the recording."""
        self.redis.hincrby(_key(sid), "attempts", -1)

    def finish(self, sid: str, outcome: str, **facts: Any) -> None:
        """Mark a request as finished; its state stays for RETENTION_S and the latest HISTORY.

        `facts` are further fields. `measures.count_finished` adds it to the metrics.
        """
        now = time.time()
        own = {"state": DONE, "outcome": outcome, "finished_at": now}
        commands = (
            ("MULTI",),
            *_written(sid, {**facts, **own}),
            ("EXPIRE", _key(sid), RETENTION_S),
            *(("ZREM", listed, sid) for listed in (keys.REQUESTS_OPEN, keys.REQUESTS_FAILING)),
            ("ZADD", keys.REQUESTS_DONE, now, sid),
            ("RPUSH", keys.REQUESTS_UNCOUNTED, sid),
            ("EXEC",),
        )
        answers = all_done(execute_all(self.redis, commands))
        all_done(answers[-1])

    def forget_old(self) -> None:
        """Forget finished requests beyond RETENTION_S and the latest HISTORY."""
        with self.redis.pipeline(transaction=False) as pipe:
            pipe.zremrangebyscore(keys.REQUESTS_DONE, "-inf", time.time() - RETENTION_S)
            pipe.zcard(keys.REQUESTS_DONE)
            finished = pipe.execute()[-1]
        if finished > HISTORY:
            self.forget_finished(finished - HISTORY)

    def forget(self, sid: str) -> None:
        """Forget one request, whatever is known of it."""
        with self.redis.pipeline() as pipe:
            pipe.delete(_key(sid))
            for listed in (keys.REQUESTS_OPEN, keys.REQUESTS_FAILING, keys.REQUESTS_DONE):
                pipe.zrem(listed, sid)
            pipe.execute()

    def forget_finished(self, number: int) -> None:
        """Forget the oldest; a late duplicate of these is known from the store alone."""
        oldest = _sids(sid for sid, _ in self.redis.zpopmin(keys.REQUESTS_DONE, number))
        if oldest:
            self.redis.delete(*map(_key, oldest))

    def get(self, sid: str) -> RequestState | None:
        """State of one request, or None, also where it is not as this service writes one."""
        with ignoring_wrong_type():
            return _state(sid, fields_of(execute(self.redis, "HGETALL", _key(sid))))
        return None

    def knows(self, sid: str) -> bool:
        """True if a request was entered. Raises QueueUnavailable."""
        with as_unavailable():
            return _is_entered(self.redis, _key(sid))

    def due_at(self, now: float, limit: int) -> dict[str, float]:
        """The unfinished requests to be looked at by now and since when, most urgent first.

        One that would come very late is due as well: a clock that was wrong may have written it.
        What can be no SID is removed: it would be due for ever.
        """
        options: dict[str, Any] = {"start": 0, "num": limit, "withscores": True}
        with self.redis.pipeline(transaction=False) as pipe:
            pipe.zrangebyscore(keys.REQUESTS_OPEN, "-inf", now, **options)
            pipe.zrangebyscore(keys.REQUESTS_OPEN, now + FARTHEST_S, "+inf", **options)
            due, far = pipe.execute()
        found = dict((*due, *far)[:limit])
        if foreign := [sid for sid in found if not sid.isascii()]:
            self.redis.zrem(keys.REQUESTS_OPEN, *foreign)
        return {sid.decode(): at for sid, at in found.items() if sid.isascii()}

    def open_count(self) -> int:
        """The number of unfinished requests."""
        return int(self.redis.zcard(keys.REQUESTS_OPEN))

    def open_sids(self) -> set[str]:
        """All unfinished requests."""
        return set(_sids(self.redis.zrange(keys.REQUESTS_OPEN, 0, -1)))

    def finished(self, since: float = 0) -> Iterator[RequestState]:
        """Finished requests, oldest first."""
        return self.get_many(_sids(self.redis.zrangebyscore(keys.REQUESTS_DONE, since, "+inf")))

    def get_many(self, sids: Iterable[str]) -> Iterator[RequestState]:
        """States of many requests, BATCH a round trip; those for which `get` gives None are left
        out."""
        remaining = iter(sids)
        while batch := list(islice(remaining, BATCH)):
            found = execute_all(self.redis, [("HGETALL", _key(sid)) for sid in batch])
            for sid, fields in zip(batch, found, strict=True):
                if (entry := _state(sid, fields_of(fields))) is not None:
                    yield entry

    def enter(self, pipe: Pipeline, sid: str, facts: Mapping[str, Any], due: float) -> None:
        """Write a request's state and its next look as part of a transaction."""
        execute_in: Any = pipe.execute_command
        for command in _written(sid, facts):
            execute_in(*command)
        pipe.expire(_key(sid), RETENTION_S)
        pipe.zadd(keys.REQUESTS_OPEN, {sid: due})


def _written(sid: str, facts: Mapping[str, Any]) -> list[tuple[Word, ...]]:
    """The commands that write fields of a request's state."""
    present, absent = _stored(facts)
    commands: list[tuple[Word, ...]] = []
    if present:
        commands.append(("HSET", _key(sid), *chain.from_iterable(present.items())))
    if absent:
        commands.append(("HDEL", _key(sid), *absent))
    return commands


def _stored(facts: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """The fields of the hash with their text, and the names of those that are None."""
    stored = {STORED_AS.get(name, name): value for name, value in facts.items()}
    present = {name: _text(value) for name, value in stored.items() if value is not None}
    return present, [name for name, value in stored.items() if value is None]


def _key(sid: str) -> str:
    return keys.REQUEST + sid


def _is_entered(connection: Any, key: str) -> bool:
    """True if a request was claimed or finished here.

    A worker that goes on after Redis was wiped writes facts of a request that nobody has claimed:
    they must not hide it from the sweeper.
    """
    with ignoring_wrong_type():
        return any(connection.hmget(key, "received_at", "outcome"))
    return False


def _text(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _sids(found: Iterable[bytes]) -> list[str]:
    """The SIDs of a set in Redis; what can be none is left out."""
    return [sid.decode() for sid in found if sid.isascii()]


def _state(sid: str, fields: Mapping[bytes, bytes] | Exception) -> RequestState | None:
    """Fields that another release wrote are left out, and missing ones have their default.

    None where there is no state, or a value that no release writes: the store knows better.
    """
    if isinstance(fields, Exception):
        if not is_wrong_type(fields):
            raise fields
        return None
    values: dict[str, Any] = {}
    try:
        for field in dataclass_fields(RequestState):
            name = STORED_AS.get(field.name, field.name).encode()
            if name in fields:
                values[field.name] = _CONVERT[str(field.type)](fields[name].decode())
    except ValueError:
        return None
    return RequestState(**{**values, "sid": sid}) if "state" in values else None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("no time is infinite")
    return number


_CONVERT: dict[str, Callable[[str], Any]] = {
    "str": str,
    "str | None": str,
    "int": int,
    "int | None": int,
    "float": _finite,
    "float | None": _finite,
}
