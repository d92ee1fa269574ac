"""Queues of jobs on RQ: a job is moved, never popped, so that no crash can lose it in between.

Every job goes from its queue to the queue's in-flight list in one step and stays there until its
worker has finished with it; the sweeper queues again what is left there (spec/runtime 3.5). RQ's
own retries, scheduler and maintenance are not used: the sweeper decides what runs again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from typing import Any

import redis
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq.exceptions import DequeueTimeout, NoSuchJobError
from rq.job import Job
from rq.queue import Queue
from rq.utils import utcparse

from addon import redis_keys, tracing
from addon.errors import QueueUnavailable
from addon.metrics import catalogue, counters
from addon.requests import scheduling
from addon.requests.admission import AdmissionControl
from addon.requests.scheduling import Length
from addon.requests.state import BATCH, QUEUED, RequestState, RequestStates

POLL_S = 0.1
"""Between two looks at empty queues: ten cheap calls a second for each idle worker."""

RESULT_TTL_S = 60
"""RQ keeps 6 kB for a finished job (spec/runtime 2); the request's state is what remembers."""

FAILURE_TTL_S = 24 * 3600
"""A failed job's traceback stays readable for a day."""

PROCESS = "workers.process.process"
DELIVER = "workers.deliver.deliver"
PERIODIC_TASK = "workers.periodic_tasks.run"

PERIODIC_KIND = "errand"
"""Begins a periodic task's job id and lease; two releases side by side share the older word."""

MOVE = """
for i = 1, #KEYS do
  local job = redis.call('LMOVE', KEYS[i], KEYS[i] .. ':intermediate', 'LEFT', 'RIGHT')
  if job then return {KEYS[i], job} end
end
return false
"""
"""KEYS: queues in order. Moves the first waiting job in flight; gives its queue and id."""


PLACE = f"""
local mine, pivot = tonumber(string.sub(ARGV[1], -16, -9), 16), false
for back = 1, math.min(redis.call('LLEN', KEYS[1]), {scheduling.LOOK_BACK}) do
  local job = redis.call('LINDEX', KEYS[1], -back)
  local due = tonumber(string.sub(job, -16, -9), 16)
  if not mine or not due or due <= mine then break end
  pivot = job
end
if pivot then return redis.call('LINSERT', KEYS[1], 'BEFORE', pivot, ARGV[1]) end
return redis.call('RPUSH', KEYS[1], ARGV[1])
"""
"""KEYS[1] a queue, ARGV[1] a job, whose id says when it is due: `scheduling.place` in Redis."""


class DeadlineQueue(Queue):
    """An RQ queue in the order of deadlines, whose jobs are moved atomically to their worker."""

    def push_job_id(
        self, job_id: str, pipeline: Pipeline | None = None, at_front: bool = False
    ) -> None:
        """Put a job where its deadline belongs."""
        if at_front:
            super().push_job_id(job_id, pipeline, at_front)
            return
        connection: Any = self.connection if pipeline is None else pipeline
        connection.eval(PLACE, 1, self.key, job_id)

    @classmethod
    def dequeue_any(  # type: ignore[override]
        cls, queues: Iterable[Queue], timeout: int | None, connection: Any, **_kwargs: Any
    ) -> tuple[Job, Queue] | None:
        """The next job of the first queue that has one; waits up to `timeout` seconds.

        Raises DequeueTimeout; with `timeout` None it looks once.
        """
        by_key = {queue.key: queue for queue in queues}
        move = connection.register_script(MOVE)
        end = time.monotonic() + (timeout or 0)
        while True:
            moved = move(keys=list(by_key))
            if moved:
                queue = by_key[moved[0].decode()]
                job = _fetch(queue, moved[1].decode())
                if job is not None:
                    return job, queue
                continue
            if timeout is None:
                return None
            if time.monotonic() >= end:
                raise DequeueTimeout(timeout, list(by_key))
            time.sleep(POLL_S)


def _fetch(queue: Queue, job_id: str) -> Job | None:
    try:
        return Job.fetch(job_id, connection=queue.connection)
    except NoSuchJobError:
        queue.intermediate_queue.remove(job_id)
        return None


class Dispatcher:
    """Puts jobs into queues, each in one transaction with the request's state."""

    def __init__(self, connection: redis.Redis, states: RequestStates) -> None:
        self.redis: Any = connection
        self.states = states
        self.admission = AdmissionControl(connection)
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
        due = scheduling.due(received_at, length.estimate, time.time())
        queue, job = queue or scheduling.queue_for(length.estimate), self._job(sid, "process", due)
        facts = {"tenant": tenant, "source": source, "received_at": received_at} | {
            "queue": queue,
            "job": job,
            "estimate": length.estimate,
            "longest": length.longest,
        }
        timeout = scheduling.job_timeout(length.longest or scheduling.LONGEST_S)
        return self.states.claim(
            sid,
            facts,
            scheduling.first_look(received_at, length.longest, time.time()),
            lambda pipe: self._begin(pipe, sid, job, queue, timeout, source),
        )

    def _begin(
        self, pipe: Pipeline, sid: str, job: str, queue: str, timeout: int, source: str
    ) -> None:
        self._enqueue(pipe, PROCESS, sid, job, queue, timeout)
        pipe.hincrbyfloat(redis_keys.METRICS, counters.field(catalogue.ACCEPTED, source), 1)

    def process(self, entry: RequestState) -> None:
        """Queue another processing job for a request that is entered already."""
        seconds = entry.duration or entry.estimate or scheduling.UNKNOWN_S
        due = scheduling.due(entry.received_at, seconds, time.time())
        job = self._job(entry.sid, "process", due)
        queue = (
            scheduling.BACKFILL
            if entry.queue == scheduling.BACKFILL
            else scheduling.queue_for(seconds)
        )
        timeout = scheduling.job_timeout(entry.duration or entry.longest or scheduling.LONGEST_S)
        facts = {"state": QUEUED, "queue": queue, "job": job}
        self._again(entry.sid, PROCESS, queue, job, timeout, facts)

    def deliver(self, sid: str, *, first: bool) -> None:
        """Queue a delivery; later tries have another queue."""
        queue = scheduling.DELIVER if first else scheduling.REDELIVER
        job = self._job(sid, "deliver")
        facts = {"delivery": QUEUED, "delivery_queue": queue, "delivery_job": job}
        self._again(sid, DELIVER, queue, job, int(scheduling.JOB_FLOOR_S), facts)

    def periodic_task(self, name: str) -> None:
        """Queue a periodic task, which belongs to no request. Raises RedisError."""
        with self.redis.pipeline() as pipe:
            pipe.multi()  # RQ would, and after the first command it is too late
            job, timeout = self._job(name, PERIODIC_KIND), int(scheduling.LONGEST_S)
            self._enqueue(pipe, PERIODIC_TASK, name, job, scheduling.PERIODIC, timeout)
            pipe.execute()

    def _again(
        self,
        sid: str,
        function: str,
        queue: str,
        job: str,
        timeout: int,
        facts: dict[str, str],
    ) -> None:
        try:
            self.states.requeue(
                sid,
                time.time() + scheduling.LOOK_S,
                lambda pipe: self._enqueue(pipe, function, sid, job, queue, timeout),
                **facts,
            )
        except RedisError as error:
            raise QueueUnavailable("the queue does not answer") from error

    def _enqueue(
        self, pipe: Pipeline, function: str, sid: str, job: str, queue: str, timeout: int
    ) -> None:
        self._queues[queue].enqueue_call(
            function,
            args=(sid,),
            job_id=job,
            timeout=timeout,
            result_ttl=RESULT_TTL_S,
            failure_ttl=FAILURE_TTL_S,
            description=f"{function.rpartition('.')[2]} {sid}",
            meta=tracing.carrier(),
            pipeline=pipe,
        )

    def _job(self, sid: str, kind: str, due: int = scheduling.LAST) -> str:
        """A job's own id: a request may have several jobs over its life, none may share one.

        It ends with when it is due, for PLACE, and a nonce: eight hexadecimal digits each.
        """
        return f"{kind}-{sid}-{due:08x}{secrets.token_hex(4)}"

    def waits(self, queue: str, job: str) -> bool:
        """Whether a job still waits in its queue."""
        return bool(job) and self.redis.lpos(self._queues[queue].key, job) is not None

    def in_flight(self) -> dict[str, list[str]]:
        """Every queue's jobs that a worker has taken and not finished with."""
        with self.redis.pipeline(transaction=False) as pipe:
            for queue in self._queues.values():
                pipe.lrange(queue.intermediate_queue_key, 0, -1)
            found = pipe.execute()
        return {
            queue: [job.decode() for job in jobs]
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
        """How many jobs wait in each queue."""
        with self.redis.pipeline(transaction=False) as pipe:
            for queue in self._queues.values():
                pipe.llen(queue.key)
            return dict(zip(self._queues, pipe.execute(), strict=True))

    def waited(self, now: float) -> dict[str, float]:
        """How many seconds the oldest job of each queue has waited; 0 where none does."""
        with self.redis.pipeline(transaction=False) as pipe:
            for queue in self._queues.values():
                pipe.lindex(queue.key, 0)
            first = {
                queue: job for queue, job in zip(self._queues, pipe.execute(), strict=True) if job
            }
            for job in first.values():
                pipe.hget(Job.key_for(job.decode()), "enqueued_at")
            since = dict(zip(first, pipe.execute(), strict=True))
        return {queue: _age(since.get(queue), now) for queue in self._queues}


def _age(enqueued_at: bytes | None, now: float) -> float:
    if not enqueued_at:
        return 0.0
    return max(0.0, now - utcparse(enqueued_at.decode()).timestamp())


def sid_of(job: str) -> str:
    """The request SID in a job's id."""
    return job.partition("-")[2].rpartition("-")[0]
