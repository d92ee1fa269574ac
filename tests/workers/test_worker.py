"""The worker process: what it does about a job whose process was killed, and what it leaves."""

from __future__ import annotations

import os

import pytest
import redis

from addon.requests import queues, scheduling
from addon.requests.lease import held, key, lease
from addon.requests.queues import DeadlineQueue, RequestJob
from tests.child import die
from workers.worker import QueueWorker

SID = "XR" + "7a" * 16
URL = "REDIS_URL_OF_THE_TEST"
ANOTHERS = b"another-machine:1:0011223344556677"


def die_at_work(sid: str) -> None:
    """The job is killed while it holds its request."""
    with lease(redis.Redis.from_url(os.environ[URL]), "process", sid):
        die()


def die_after_losing_it(sid: str) -> None:
    """The same, but another worker took the request over before."""
    connection = redis.Redis.from_url(os.environ[URL])
    with lease(connection, "process", sid):
        connection.set(key("process", sid), ANOTHERS, px=60_000)
        die()


def work_once(url: str, function: str) -> None:
    """A worker has one job, which gets a process of its own and fails."""
    os.environ[URL] = url
    queues.FUNCTIONS["process"] = function
    connection = redis.Redis.from_url(url)
    queue = DeadlineQueue(scheduling.EXPRESS, connection=connection)
    job = queue.enqueue_call(function, args=(SID,), job_id=f"process-{SID}-0123456789")
    taken, queue = DeadlineQueue.dequeue_any([queue], None, connection)
    QueueWorker([queue], connection=connection).execute_job(taken, queue)
    assert RequestJob.fetch(job.id, connection=connection).is_failed


@pytest.fixture
def run(redis_url, redis_server, children):
    """Has a worker run one of the functions above as the job of SID."""

    def ran(function) -> None:
        name = f"{function.__module__}.{function.__name__}"
        assert children.run(work_once, redis_url, name) == 0

    return ran


def test_a_killed_job_gives_its_request_free_at_once(run, redis_server):
    run(die_at_work)
    assert not held(redis_server, "process", SID)


def test_a_killed_job_took_the_lease_of_the_worker_that_had_taken_over(run, redis_server):
    """So that a third one ran beside the second."""
    run(die_after_losing_it)
    assert redis_server.get(key("process", SID)) == ANOTHERS
