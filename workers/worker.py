"""The RQ worker process: it takes from several queues and loses no job when it ends.

RQ's own maintenance is replaced: its locks outlive their holder by a quarter of an hour and its
clean-up would fail jobs that the sweeper is about to run again (spec/runtime 2, 3.1).
"""

from __future__ import annotations

import signal
from typing import Any

from redis.exceptions import RedisError
from rq.job import Job
from rq.queue import Queue
from rq.registry import clean_registries
from rq.worker import HerokuWorker

from addon import log, tracing
from addon.requests import lease
from addon.requests.queues import DeadlineQueue, RequestJob, kind_of, sid_of
from addon.requests.state import RequestStates
from addon.stack.parent_death import dies_with_parent

GRACE_S = 12
"""Seconds that a job may go on after SIGTERM, before it is taken back (spec/runtime 3.1)."""

MONITOR_S = 5
HEARTBEAT_TTL_S = 30

logger = log.get("worker")


class QueueWorker(HerokuWorker):
    """A Heroku worker on queues: SIGTERM gives its job GRACE_S to end, then takes it back."""

    queue_class = DeadlineQueue
    job_class = RequestJob
    imminent_shutdown_delay = GRACE_S

    def get_heartbeat_ttl(self, job: Job) -> int:  # noqa: ARG002
        """RQ adds a minute to its own interval; a dashboard need not wait for that."""
        return HEARTBEAT_TTL_S

    def prepare_job_execution(self, job: Job, *_removal: Any, **_more: Any) -> None:
        """Leave the job in flight until it is over, where stock RQ takes it off before."""
        super().prepare_job_execution(job, remove_from_intermediate_queue=False)

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Fork as RQ does; on Linux the child dies with its worker, so that no job runs twice."""
        self._tie = dies_with_parent(signal.SIGKILL)
        super().fork_work_horse(job, queue)
        # RQ forgets it before it says that the child was killed, and where it did so itself for
        # its time-out it gives none.
        self._child = self.horse_pid

    def setup_work_horse_signals(self) -> None:
        """Called first in the child."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        self._tie()

    def perform_job(self, job: Job, queue: Queue) -> bool:
        """Run one job, in the child, as part of the trace that its request began."""
        kind, sid = kind_of(job.id), sid_of(job.id)
        with tracing.span(kind, carrier=job.meta, request_sid=sid, queue=queue.name) as span:
            done = bool(super().perform_job(job, queue))
            if span is not None:
                span.set_attribute("addon.done", done)
        tracing.flush()
        return done

    def handle_warm_shutdown_request(self) -> None:
        """Tell the job, where there is one; RQ warns of its absence."""
        if self.horse_pid:
            super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run one job, then take it off the in-flight list, whatever became of it."""
        super().execute_job(job, queue)
        queue.intermediate_queue.remove(job.id)

    def handle_work_horse_killed(self, job: Job, *_how: Any) -> None:
        """A killed job is looked at now, not when its lease has run out.

        The lease may be another worker's by now: only what the dead child held is released.
        """
        kind, sid = kind_of(job.id), sid_of(job.id)
        logger.warning("a job's process was killed", request_sid=sid)
        try:
            lease.release_of(self.connection, kind, sid, self._child)
            RequestStates(self.connection).look_again(sid, 0.0)
        except RedisError:
            return

    def clean_registries(self) -> None:
        """Only forget what is finished; jobs in flight are the sweeper's."""
        for queue in self.queues:
            clean_registries(queue, self._exc_handlers)
