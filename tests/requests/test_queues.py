"""The queues: their order, and atomic moves."""

from __future__ import annotations

import pytest
from rq.exceptions import DequeueTimeout
from rq.job import Job

from addon.requests import scheduling
from addon.requests.queues import DeadlineQueue


@pytest.fixture
def queues(redis_server):
    return [DeadlineQueue(name, connection=redis_server) for name in scheduling.ROLES["general"]]


def name(sid: str) -> str:
    """The id of a job of a request."""
    return f"process-{sid}-0000000000000000"


def test_the_first_queue_that_has_a_job_gives_it(queues, redis_server):
    queues[2].enqueue_call("workers.process.process", args=("XR2",), job_id=name("XR2"))
    queues[0].enqueue_call("workers.process.process", args=("XR0",), job_id=name("XR0"))
    taken = [DeadlineQueue.dequeue_any(queues, None, redis_server)[0].id for _ in range(2)]
    assert taken == [name("XR0"), name("XR2")]
    assert DeadlineQueue.dequeue_any(queues, None, redis_server) is None


def test_a_taken_job_is_in_flight_until_it_is_landed(queues, redis_server, services):
    queues[1].enqueue_call("workers.process.process", args=("XR1",), job_id=name("XR1"))
    job, queue = DeadlineQueue.dequeue_any(queues, None, redis_server)
    assert services.dispatcher.in_flight()[queue.name] == [job.id]
    services.dispatcher.land(queue.name, job.id)
    assert services.dispatcher.in_flight()[queue.name] == []


def test_a_job_whose_record_is_gone_is_passed_over(queues, redis_server):
    queues[0].enqueue_call("workers.process.process", args=("XR0",), job_id=name("XR0"))
    queues[0].enqueue_call("workers.process.process", args=("XR1",), job_id=name("XR1"))
    redis_server.delete(Job.key_for(name("XR0")))
    job, queue = DeadlineQueue.dequeue_any(queues, None, redis_server)
    assert job.id == name("XR1")
    assert queue.intermediate_queue.get_job_ids() == [job.id]


def test_empty_queues_are_waited_at_for_as_long_as_was_asked(queues, redis_server):
    with pytest.raises(DequeueTimeout):
        DeadlineQueue.dequeue_any(queues, 0.2, redis_server)
