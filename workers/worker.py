"""The RQ worker process: it takes from several queues and loses no job when it ends.

RQ's own maintenance is replaced: its locks outlive their holder by a quarter of an hour and its
clean-up would fail jobs that the sweeper is about to run again (spec/runtime 2, 3.1). So is its
bookkeeping of each execution, which nothing reads: a job that is done leaves nothing behind, and
one that failed its traceback (decision 0707).
"""

from __future__ import annotations

import os
import signal
import time
import traceback
from typing import Any

from redis.client import Pipeline
from redis.exceptions import RedisError
from rq.job import Job
from rq.queue import Queue
from rq.registry import FailedJobRegistry
from rq.timeouts import JobTimeoutException
from rq.utils import import_attribute, now
from rq.worker import HerokuWorker, WorkerStatus

from addon import log, tracing
from addon.requests import lease, queues, scheduling
from addon.requests.queues import DeadlineQueue, RequestJob, kind_of, sid_of
from addon.requests.state import RequestStates
from addon.stack.parent_death import dies_with_parent
from workers.warm_process import END_S, Task, WarmProcess

GRACE_S = 12
"""Seconds that a job may go on after SIGTERM, before it is taken back (spec/runtime 3.1)."""

MONITOR_S = 5
HEARTBEAT_S = 5.0
"""Between two notes in Redis that a worker lives; only dashboards read them."""

logger = log.get("worker")


class QueueWorker(HerokuWorker):
    """A Heroku worker on queues: SIGTERM gives its job GRACE_S to end, then takes it back.

    Short jobs run in a warm process, others in a process of their own.
    """

    queue_class = DeadlineQueue
    job_class = RequestJob
    imminent_shutdown_delay = GRACE_S

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._warm = WarmProcess(self.setup_work_horse_signals, self._run_task)
        self._tie = dies_with_parent(signal.SIGKILL)
        self._child = 0
        self._is_warm = False
        self._niceness = 0
        self._noted_at = float("-inf")

    def check_for_suspension(self, burst: bool) -> None:
        """Never: `rq suspend` is not used, and would cost a call of Redis before each job."""

    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:  # noqa: ARG002
        """Keep it here; RQ would write it to Redis twice for each job."""
        self._state = state

    def set_current_job_working_time(
        self,
        current_job_working_time: float,
        pipeline: Pipeline | None = None,  # noqa: ARG002
    ) -> None:
        """Keep it here, for the time limit."""
        self.current_job_working_time = current_job_working_time

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Note every HEARTBEAT_S that this worker lives, and its state."""
        if time.monotonic() - self._noted_at < HEARTBEAT_S:
            return
        self._noted_at = time.monotonic()
        super().heartbeat(timeout, pipeline)
        super().set_state(self._state)

    def maintain_heartbeats(self, job: Job) -> None:  # noqa: ARG002
        """The worker's own; a job's is its lease."""
        self.heartbeat()

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run one job in a child and wait for it."""
        self.set_state(WorkerStatus.BUSY)
        self.fork_work_horse(job, queue)
        self.monitor_work_horse(job, queue)
        self.set_state(WorkerStatus.IDLE)

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Give a short job to the warm process, or fork as RQ does a process of less priority.

        On Linux either dies with its worker, so that no job runs twice.
        """
        self._is_warm = scheduling.is_short(queue.name)
        self._niceness = scheduling.niceness(queue.name)
        if self._is_warm:
            self._warm.begin(_task(job))
            self._horse_pid = self._warm.pid
        else:
            super().fork_work_horse(job, queue)
        # RQ forgets it before it says that the child was killed, and where it did so itself for
        # its time-out it gives none.
        self._child = self.horse_pid

    def wait_for_horse(self) -> tuple[int | None, int | None, Any]:
        """Wait until the job is over or its process has ended."""
        return self._warm.wait() if self._is_warm else super().wait_for_horse()

    def setup_work_horse_signals(self) -> None:
        """Called first in the child, and in a warm process before each job."""
        signal.alarm(0)
        os.setpriority(os.PRIO_PROCESS, 0, max(self._niceness, os.getpriority(os.PRIO_PROCESS, 0)))
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        self._tie()
        self._is_horse = True

    def _run_task(self, task: Task) -> bool:
        job = RequestJob(task["id"], self.connection)
        job.origin, job.timeout, job.meta = task["queue"], task["timeout"], task["meta"]
        job.failure_ttl = task["failure_ttl"]
        job.func_name, job.instance = queues.FUNCTIONS[kind_of(job.id)], None
        job.args, job.kwargs = [sid_of(job.id)], {}
        return self.perform_job(job, DeadlineQueue(task["queue"], connection=self.connection))

    def perform_job(self, job: Job, queue: Queue) -> bool:
        """Run one job, in the child, as part of the trace that its request began."""
        kind, sid = kind_of(job.id), sid_of(job.id)
        with tracing.span(kind, carrier=job.meta, request_sid=sid, queue=queue.name) as span:
            done = self._perform(job, queue)
            if span is not None:
                span.set_attribute("addon.done", done)
        if not self._is_warm:
            tracing.flush()
        return done

    def _perform(self, job: Job, queue: Queue) -> bool:
        """Call the job's function, then take it off the in-flight list; False where it failed."""
        job.started_at = now()
        run = import_attribute(queues.FUNCTIONS[kind_of(job.id)])
        limit = job.timeout or scheduling.JOB_FLOOR_S
        try:
            with self.death_penalty_class(int(limit), JobTimeoutException, job_id=job.id):
                run(sid_of(job.id))
            queues.land(self.connection, [(queue, job)])
        except BaseException as error:
            job.ended_at = now()
            self.handle_exception(job, type(error), error, error.__traceback__)
            text = "".join(traceback.format_exception(error))
            self.handle_job_failure(job, queue, exc_string=text)
            queue.intermediate_queue.remove(job.id)
            return False
        return True

    def handle_warm_shutdown_request(self) -> None:
        """Tell the job, where there is one; RQ warns of its absence."""
        if self.horse_pid:
            super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]

    def teardown(self) -> None:
        """End the warm process first: its deliveries may go on, within the time of a stop."""
        asked = self._shutdown_requested_date
        waited = (now() - asked).total_seconds() if asked else 0.0
        self._warm.close(max(1.0, END_S - waited))
        super().teardown()  # type: ignore[no-untyped-call]

    def handle_work_horse_killed(self, job: Job, *_how: Any) -> None:
        """A killed job is looked at now, not when its lease has run out.

        The lease may be another worker's by now: only what the dead child held is released.
        """
        kind, sid = kind_of(job.id), sid_of(job.id)
        logger.warning("a job's process was killed", request_sid=sid)
        try:
            lease.release_of(self.connection, kind, sid, self._child)
            RequestStates(self.connection).look_again(sid, 0.0)
            DeadlineQueue(job.origin, connection=self.connection).intermediate_queue.remove(job.id)
        except RedisError:
            return

    def clean_registries(self) -> None:
        """Only forget what failed long ago; jobs in flight are the sweeper's."""
        for queue in self.queues:
            FailedJobRegistry(
                queue.name, self.connection, job_class=self.job_class, serializer=self.serializer
            ).cleanup()
        self.last_cleaned_at = now()  # type: ignore[assignment]  # else it is done before each job


def _task(job: Job) -> Task:
    return {
        "id": job.id,
        "queue": job.origin,
        "timeout": job.timeout,
        "failure_ttl": job.failure_ttl,
        "meta": job.meta,
    }
