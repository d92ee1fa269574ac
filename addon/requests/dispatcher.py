"""Puts jobs into queues, each in one transaction with the state of its request."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import redis
from redis.client import Pipeline
from rq.job import Job
from rq.utils import utcparse

from addon import redis_keys, tracing
from addon.metrics import counters, declarations
from addon.redis_commands import all_done, execute_all
from addon.redis_errors import as_unavailable
from addon.requests import scheduling, selection
from addon.requests.admission import AdmissionControl
from addon.requests.claiming import PLACE, Entered
from addon.requests.failures_due import FailuresDue
from addon.requests.queued_job import QueuedJob
from addon.requests.queues import (
    DELIVER_KIND,
    FUNCTIONS,
    PERIODIC_KIND,
    PROCESS_KIND,
    WEBHOOK_KIND,
    DeadlineQueue,
)
from addon.requests.scheduling import Length
from addon.requests.selection import FAILURES
from addon.requests.spoilt_keys import is_number
from addon.requests.state import BATCH, QUEUED, RequestState, RequestStates

WEBHOOK_TTL_S = 7 * 24 * 3600
"""Twice as long as a webhook delivery is tried: what is known of it ends by itself."""


MOST_SECONDS = 0xFFFF
"""The longest length that a job's id can say; no call is as long."""


class Dispatcher:
    """The way into every queue, and what waits or is in flight there."""

    def __init__(self, connection: redis.Redis, states: RequestStates) -> None:
        self.redis: Any = connection
        self.states = states
        self.admission = AdmissionControl(connection)
        self.failures_due = FailuresDue(connection)
        self._overloaded_until = 0.0
        self._queues = {
            name: DeadlineQueue(name, connection=connection) for name in scheduling.ALL_QUEUES
        }

    def accept(
        self,
        sid: str,
        *,
        tenant: str,
        source: str,
        received_at: float,
        length: Length,
        queue: str | None = None,
    ) -> bool:
        """Claim a request and queue its first job, by length or in `queue`; False for a duplicate.

        Raises QueueUnavailable.
        """
        due = scheduling.due(received_at, length.estimate)
        queue, job = (
            queue or scheduling.queue_for(length.estimate),
            self._job(sid, PROCESS_KIND, due, length.estimate),
        )
        facts = {"tenant": tenant, "source": source, "received_at": received_at} | {
            "queue": queue,
            "job": job,
            "estimate": length.estimate,
            "longest": length.longest,
        }
        timeout = scheduling.job_timeout(length.longest or scheduling.LONGEST_S)
        entered = self.states.claim(
            sid,
            facts,
            scheduling.first_look(received_at, length.longest, time.time()),
            _queued(PROCESS_KIND, sid, job, queue, timeout),
            counters.field(declarations.ACCEPTED, source),
        )
        if entered is Entered.QUEUED_IN_OVERLOAD:
            self._overloaded_until = time.monotonic() + selection.OVERLOADED_TTL_S
        return bool(entered)

    @property
    def is_overloaded(self) -> bool:
        """True where a short recording that was accepted last found many waiting before it."""
        return time.monotonic() < self._overloaded_until

    def process(self, entry: RequestState) -> None:
        """Queue another processing job for a request that is entered already."""
        seconds = entry.duration or entry.estimate or scheduling.UNKNOWN_S
        due = scheduling.due(entry.received_at, seconds)
        job = self._job(entry.sid, PROCESS_KIND, due, seconds)
        queue = (
            scheduling.BACKFILL
            if entry.queue == scheduling.BACKFILL
            else scheduling.queue_for(seconds)
        )
        timeout = scheduling.job_timeout(entry.duration or entry.longest or scheduling.LONGEST_S)
        facts = {"state": QUEUED, "queue": queue, "job": job}
        self._again(entry.sid, PROCESS_KIND, queue, job, timeout, facts)

    def deliver(self, sid: str, *, first: bool) -> None:
        """Queue a delivery; later tries have another queue."""
        queue = scheduling.DELIVER if first else scheduling.REDELIVER
        job = self._job(sid, DELIVER_KIND)
        facts = {"delivery": QUEUED, "delivery_queue": queue, "delivery_job": job}
        self._again(sid, DELIVER_KIND, queue, job, int(scheduling.JOB_FLOOR_S), facts)

    def deliver_failures(self, sids: Sequence[str]) -> None:
        """Queue the failures of many requests, at their reserve's cost, in one transaction.

        Raises RedisError.
        """
        at = time.time() + scheduling.LOOK_S
        with self.redis.pipeline() as pipe:
            pipe.multi()  # RQ would, and after the first command it is too late
            for sid in sids:
                queue, job = scheduling.DELIVER, self._job(sid, DELIVER_KIND)
                facts = {"delivery": QUEUED, "delivery_queue": queue, "delivery_job": job}
                self.states.enter(pipe, sid, facts, at)
                self._enqueue(pipe, DELIVER_KIND, sid, job, queue, int(scheduling.JOB_FLOOR_S))
            spent = len(sids) * selection.FAILURE_S
            pipe.hincrbyfloat(redis_keys.RESERVES, FAILURES, -spent)
            pipe.execute()

    def periodic_task(self, name: str) -> None:
        """Queue a periodic task, which belongs to no request. Raises RedisError."""
        with self.redis.pipeline() as pipe:
            pipe.multi()  # RQ would, and after the first command it is too late
            job, timeout = self._job(name, PERIODIC_KIND), int(scheduling.LONGEST_S)
            self._enqueue(pipe, PERIODIC_KIND, name, job, scheduling.PERIODIC, timeout)
            pipe.execute()

    def webhook(self, name: str) -> None:
        """Queue a delivery of an event to an endpoint, by its name. Raises QueueUnavailable."""
        job, key = self._job(name, WEBHOOK_KIND), redis_keys.WEBHOOK_DELIVERY + name
        with as_unavailable(), self.redis.pipeline() as pipe:
            pipe.multi()  # RQ would, and after the first command it is too late
            pipe.zadd(redis_keys.WEBHOOKS_OPEN, {name: time.time() + scheduling.LOOK_S})
            pipe.hset(key, "job", job)
            pipe.expire(key, WEBHOOK_TTL_S)
            timeout = int(scheduling.JOB_FLOOR_S)
            self._enqueue(pipe, WEBHOOK_KIND, name, job, scheduling.WEBHOOKS, timeout)
            pipe.execute()

    def _again(
        self,
        sid: str,
        kind: str,
        queue: str,
        job: str,
        timeout: int,
        facts: dict[str, str],
    ) -> None:
        with as_unavailable():
            self.states.requeue(
                sid,
                time.time() + scheduling.LOOK_S,
                lambda pipe: self._enqueue(pipe, kind, sid, job, queue, timeout),
                **facts,
            )

    def _enqueue(
        self, pipe: Pipeline, kind: str, sid: str, job: str, queue: str, timeout: int
    ) -> None:
        queued = _queued(kind, sid, job, queue, timeout)
        queued.write(pipe)
        pipe.eval(PLACE, 1, queued.queue_key, job)

    def _job(self, sid: str, kind: str, due: int = scheduling.LAST, seconds: float = 0.0) -> str:
        """A job's own id: a request may have several jobs over its life, none may share one.

        It ends with the seconds of its audio, four hexadecimal digits, when it is due and a nonce,
        eight each: PLACE and TAKE read them. The release before wrote no length.
        """
        length = math.ceil(min(max(0.0, seconds), MOST_SECONDS))
        return f"{kind}-{sid}-{length:04x}{due:08x}{secrets.token_hex(4)}"

    def waits(self, queue: str, job: str) -> bool:
        """True if a job still waits in its queue."""
        return bool(self.waiting([(queue, job)]))

    def waiting(self, jobs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of these queues and jobs whose job waits in its queue, in one round trip."""
        asked = [(queue, job) for queue, job in jobs if queue in self._queues and job]
        looks = [("LPOS", self._queues[queue].key, job) for queue, job in asked]
        found = all_done(execute_all(self.redis, looks))
        return {each for each, at in zip(asked, found, strict=True) if at is not None}

    def in_flight(self) -> dict[str, list[str]]:
        """Every queue's jobs that a worker has taken and not finished with."""
        ranges = [("LRANGE", each.intermediate_queue_key, 0, -1) for each in self._queues.values()]
        found = all_done(execute_all(self.redis, ranges))
        return {
            queue: [job.decode(errors="replace") for job in jobs]
            for queue, jobs in zip(self._queues, found, strict=True)
        }

    def make_room(self) -> None:
        """Forget some finished requests where Redis gets tight: new ones are worth more."""
        if self.admission.is_tight():
            self.states.forget_finished(BATCH)

    def land(self, queue: str, job: str) -> None:
        """Take a job off its queue's in-flight list."""
        self.redis.lrem(self._queues[queue].intermediate_queue_key, 1, job)

    def depths(self) -> dict[str, int]:
        """The number of jobs that wait in each queue."""
        with self.redis.pipeline(transaction=False) as pipe:
            for queue in self._queues.values():
                pipe.llen(queue.key)
            return dict(zip(self._queues, pipe.execute(), strict=True))

    def waited(self, now: float) -> dict[str, float]:
        """Seconds that the oldest job of each queue has waited; 0 where none does."""
        with self.redis.pipeline(transaction=False) as pipe:
            for queue in self._queues.values():
                pipe.lindex(queue.key, 0)
            first = {
                queue: job for queue, job in zip(self._queues, pipe.execute(), strict=True) if job
            }
            for job in first.values():
                pipe.hget(Job.key_for(job.decode(errors="replace")), "enqueued_at")
            since = dict(zip(first, pipe.execute(), strict=True))
        return {queue: _age(since.get(queue), now) for queue in self._queues}

    def pressures(self, waited: Mapping[str, float]) -> dict[str, float]:
        """The signal to scale by of each queue, from `waited` or what a new job would wait now."""
        with self.redis.pipeline(transaction=False) as pipe:
            for name, queue in self._queues.items():
                pipe.llen(queue.key)
                pipe.llen(queue.intermediate_queue_key)
                pipe.lrange(redis_keys.SERVICE_TIMES + name, 0, selection.SAMPLES - 1)
            found = iter(pipe.execute())
        pressures = {}
        for name, (depth, taken, samples) in zip(
            self._queues, zip(found, found, found, strict=True), strict=True
        ):
            forecast = selection.forecast_wait(
                name, depth, taken, list(map(float, filter(is_number, samples)))
            )
            pressures[name] = scheduling.pressure(name, max(forecast, waited.get(name, 0.0)))
        return pressures


def _queued(kind: str, sid: str, job: str, queue: str, timeout: int) -> QueuedJob:
    return QueuedJob.of(
        FUNCTIONS[kind],
        sid,
        job,
        queue,
        description=f"{kind} {sid}",
        timeout=timeout,
        meta=tracing.carrier(),
    )


def _age(enqueued_at: bytes | None, now: float) -> float:
    if not enqueued_at:
        return 0.0
    try:
        return max(0.0, now - utcparse(enqueued_at.decode()).timestamp())
    except ValueError:  # of a job that this service did not write
        return 0.0
