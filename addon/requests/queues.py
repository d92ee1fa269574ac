"""Queues of jobs on RQ: a job is moved, never popped, so that no crash can lose it in between.

Every job goes from its queue to the queue's in-flight list in one step and stays there until its
worker has finished with it; the sweeper queues again what is left there (spec/runtime 3.5). RQ's
own retries, scheduler and maintenance are not used: the sweeper decides what runs again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NamedTuple

from redis.client import Pipeline
from rq.exceptions import DequeueTimeout, NoSuchJobError
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from addon import log
from addon.metrics import declarations
from addon.metrics.counters import Counters
from addon.redis_commands import all_done, execute, execute_all, fields
from addon.requests import taking
from addon.requests.claiming import PLACE
from addon.requests.scheduling import PERIODIC, RECORDING_QUEUES
from addon.requests.state import RequestStates

POLL_S = 0.1
"""Between two looks at empty queues: ten cheap calls a second for each idle worker."""

PROCESS_KIND = "process"
DELIVER_KIND = "deliver"
PERIODIC_KIND = "errand"
WEBHOOK_KIND = "webhook"
"""The beginnings of a job's id and of its lease; \"errand\" is an older word, and stays."""

FUNCTIONS = {
    PROCESS_KIND: "workers.process.process",
    DELIVER_KIND: "workers.deliver.deliver",
    PERIODIC_KIND: "workers.periodic_tasks.run",
    WEBHOOK_KIND: "workers.webhooks.deliver",
}
"""The function of each kind of job: nothing else is ever run by a worker."""

JOB_FIELDS = frozenset(
    b"data origin description meta status timeout result_ttl failure_ttl worker_name created_at "
    b"enqueued_at started_at ended_at last_heartbeat".split()
)
"""The fields that are read of a job's hash: others, as callbacks and webhooks, run more code."""

PACED = frozenset((*RECORDING_QUEUES, PERIODIC))
"""Queues whose jobs' time is measured and charged to the reserves."""

logger = log.get("queues")


class _Taken(NamedTuple):
    """A job that a process has taken: its queue, whether a reserve pays for it, and since when."""

    queue: str
    late: bool
    at: float


class _Refused(NoSuchJobError):
    """The job is none that a worker here may run; RQ treats it as if it did not exist."""


class RequestJob(Job):
    """A job as JSON: one of FUNCTIONS, called with the one text that the job's id names.

    Whoever can write to Redis can put anything into a queue. Nothing of it is unpickled or
    imported, and none of RQ's further features is believed.
    """

    def __init__(
        self,
        id: str | None = None,
        connection: Any = None,
        serializer: Any = None,  # noqa: ARG002
    ) -> None:
        super().__init__(id, connection, JSONSerializer)

    def refresh(self) -> None:
        """Read the job anew. Raises as `restore`."""
        self.restore(fields(execute(self.connection, "HGETALL", self.key)))

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Read the job's hash. Raises NoSuchJobError, also for what may not be run."""
        if b"data" not in raw_data:
            raise NoSuchJobError("the job has no data")
        try:
            super().restore({k: v for k, v in raw_data.items() if k in JOB_FIELDS})
            called = (self.func_name, self.instance, list(self.args), self.kwargs)
        except Exception as error:
            raise _Refused(f"its data cannot be read ({type(error).__name__})") from None
        if called != (FUNCTIONS.get(kind_of(self.id)), None, [sid_of(self.id)], {}):
            raise _Refused("its function or arguments are not those of its id")
        if not isinstance(self.meta, dict) or set(map(type, self.meta.values())) - {str}:
            self.meta = {}


class DeadlineQueue(Queue):
    """An RQ queue in the order of deadlines, whose jobs are moved atomically to their worker."""

    job_class = RequestJob

    _taken: ClassVar[_Taken | None] = None
    """The job that this process took last: until it asks for another, it is busy with that."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "serializer": JSONSerializer})

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
        """The next job of these queues, as `selection.take` has it; waits up to `timeout` seconds.

        Raises DequeueTimeout; with `timeout` None it looks once.
        """
        by_key = {queue.key: queue for queue in queues}
        end = time.monotonic() + (timeout or 0)
        while True:
            taken = taking.take(connection, list(by_key), [time.time(), *cls._charges()])
            if taken:
                queue = by_key[taken[0].decode()]
                job = _fetch(queue, taken[1])
                if job is not None:
                    if queue.name in PACED:
                        cls._taken = _Taken(queue.name, bool(taken[2]), time.monotonic())
                    return job, queue
                continue
            if timeout is None:
                return None
            if time.monotonic() >= end:
                raise DequeueTimeout(timeout, list(by_key))
            time.sleep(POLL_S)

    @classmethod
    def _charges(cls) -> tuple[str, int, str]:
        """The arguments of TAKE for the job that this process took last, once."""
        last, cls._taken = cls._taken, None
        if last is None:
            return "", 0, "0"
        return last.queue, int(last.late), f"{time.monotonic() - last.at:.3f}"


def _fetch(queue: Queue, raw_id: bytes) -> Job | None:
    job_id = raw_id.decode(errors="replace")
    try:
        return RequestJob.fetch(job_id, connection=queue.connection)
    except (_Refused, ValueError) as error:
        _refuse(queue, job_id, str(error))
    except NoSuchJobError:
        pass
    queue.connection.lrem(queue.intermediate_queue_key, 1, raw_id)  # type: ignore[arg-type]
    return None


def _refuse(queue: Queue, job_id: str, reason: str) -> None:
    """Delete a job that may not be run; its request, if there is one, is looked at again at once.

    So the jobs of a release that wrote them as pickles are queued again, as JSON.
    """
    logger.error("a job was refused", job=job_id[:100], queue=queue.name, reason=reason[:200])
    Counters(queue.connection).count(declarations.REFUSED_JOBS, queue.name)
    queue.connection.delete(Job.key_for(job_id))
    RequestStates(queue.connection).look_again(sid_of(job_id), 0.0)


def land(connection: Any, jobs: Iterable[tuple[Queue, Job]]) -> None:
    """Take jobs that are over off their queues' in-flight lists. Raises RedisError.

    Each job goes first: an id without a job is taken off by the sweeper.
    """
    commands: list[tuple[str, ...]] = []
    for queue, job in jobs:
        commands.append(("DEL", job.key))
        commands.append(("LREM", queue.intermediate_queue_key, "1", job.id))
    all_done(execute_all(connection, commands))


def due_of(job: str) -> float:
    """The second by which a job is due, from its id; infinite where that does not say."""
    try:
        return float(int(job[-16:-8], 16))
    except ValueError:
        return math.inf


def kind_of(job: str) -> str:
    """The kind of work in a job's id."""
    return job.partition("-")[0]


def sid_of(job: str) -> str:
    """The request SID in a job's id."""
    return job.partition("-")[2].rpartition("-")[0]
