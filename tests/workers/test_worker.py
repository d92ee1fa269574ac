"""The worker process: what it does about a job whose process was killed, and what it leaves."""

from __future__ import annotations

import os
import time

import pytest
import redis
from rq.job import Job

from addon.requests import queues, scheduling
from addon.requests.lease import held, key, lease
from addon.requests.queues import DeadlineQueue
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


def take_too_long(_sid: str) -> None:
    time.sleep(60)


def note_the_process(_sid: str) -> None:
    connection = redis.Redis.from_url(os.environ[URL])
    connection.rpush("processes", os.getpid())
    connection.sadd("niceness", os.getpriority(os.PRIO_PROCESS, 0))


def work(url: str, function: str, name: str, count: int = 1) -> list[Job | None]:
    """A worker has some jobs from a queue; gives what is left of them."""
    os.environ[URL] = url
    queues.FUNCTIONS["process"] = function
    connection = redis.Redis.from_url(url)
    queue = DeadlineQueue(name, connection=connection)
    worker = QueueWorker([queue], connection=connection)
    left = []
    for number in range(count):
        job = queue.enqueue_call(
            function, args=(SID,), job_id=f"process-{SID}-{number:016x}", timeout=1
        )
        taken, _ = DeadlineQueue.dequeue_any([queue], None, connection)
        worker.execute_job(taken, queue)
        left.append(queue.fetch_job(job.id))
        assert not queue.intermediate_queue.get_job_ids()
    worker._warm.close()
    return left


def work_once(url: str, function: str, name: str) -> None:
    """The job fails, and stays readable for a while."""
    (job,) = work(url, function, name)
    assert job is not None
    assert job.is_failed


def note_the_processes(url: str, name: str) -> None:
    """The jobs end well, and nothing is left of them."""
    assert work(url, f"{__name__}.note_the_process", name, count=3) == [None, None, None]


@pytest.fixture(params=[scheduling.EXPRESS, "qlong"], ids=["warm process", "own process"])
def run(redis_url, redis_server, children, request):
    """Has a worker run one of the functions above as the job of SID."""

    def ran(function) -> None:
        name = f"{function.__module__}.{function.__name__}"
        assert children.run(work_once, redis_url, name, request.param) == 0

    return ran


def test_a_killed_job_gives_its_request_free_at_once(run, redis_server):
    run(die_at_work)
    assert not held(redis_server, "process", SID)


def test_a_killed_job_took_the_lease_of_the_worker_that_had_taken_over(run, redis_server):
    """So that a third one ran beside the second."""
    run(die_after_losing_it)
    assert redis_server.get(key("process", SID)) == ANOTHERS


def test_a_job_that_takes_longer_than_its_limit_fails(run):
    run(take_too_long)


@pytest.mark.parametrize(("queue", "processes"), [(scheduling.EXPRESS, 1), ("qlong", 3)])
def test_short_jobs_share_a_process_and_each_long_one_has_its_own(
    redis_url, redis_server, children, queue, processes
):
    assert children.run(note_the_processes, redis_url, queue) == 0
    assert len(set(redis_server.lrange("processes", 0, -1))) == processes


@pytest.mark.parametrize(("queue", "least"), [(scheduling.EXPRESS, 0), ("qlong", 10)])
def test_only_a_long_job_steps_back(redis_url, redis_server, children, queue, least):
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    assert children.run(note_the_processes, redis_url, queue) == 0
    assert {int(each) for each in redis_server.smembers("niceness")} == {max(ours, least)}
