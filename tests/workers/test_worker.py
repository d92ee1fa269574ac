"""The worker process: what it does about a job whose process was killed, and what it leaves."""

from __future__ import annotations

import os
import signal

import pytest
import redis
from rq.job import Job

from addon.requests import scheduling
from addon.requests.lease import held, key, lease
from addon.requests.queues import DeadlineQueue
from workers.worker import QueueWorker

SID = "XR" + "7a" * 16
ANOTHERS = b"another-machine:1:0011223344556677"


def die_at_work(url: str) -> None:
    """What the job does that is killed while it holds its request."""
    with lease(redis.Redis.from_url(url), "process", SID):
        os.kill(os.getpid(), signal.SIGKILL)


def die_after_losing_it(url: str) -> None:
    """The same, but another worker took the request over before."""
    connection = redis.Redis.from_url(url)
    with lease(connection, "process", SID):
        connection.set(key("process", SID), ANOTHERS, px=60_000)
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def run(redis_url, redis_server):
    """Has a worker run one of the functions above as the job of SID, in a process of its own."""

    def ran(function) -> None:
        queue = DeadlineQueue(scheduling.EXPRESS, connection=redis_server)
        worker = QueueWorker([queue], connection=redis_server)
        job = queue.enqueue_call(function, args=(redis_url,), job_id=f"process-{SID}-0123456789")
        taken, queue = DeadlineQueue.dequeue_any([queue], None, redis_server)
        worker.execute_job(taken, queue)
        assert Job.fetch(job.id, connection=redis_server).is_failed

    return ran


def test_a_killed_job_gives_its_request_free_at_once(run, redis_server):
    run(die_at_work)
    assert not held(redis_server, "process", SID)


def test_a_killed_job_took_the_lease_of_the_worker_that_had_taken_over(run, redis_server):
    """So that a third one ran beside the second."""
    run(die_after_losing_it)
    assert redis_server.get(key("process", SID)) == ANOTHERS
