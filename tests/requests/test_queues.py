"""The queues: order, atomic moves, and jobs that carry a request SID and nothing else."""

from __future__ import annotations

import json

import pytest
from rq.exceptions import DequeueTimeout
from rq.job import Job

from addon.requests import scheduling
from addon.requests.queues import DeadlineQueue, RequestJob, sid_of


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


def test_a_job_carries_the_sid_alone(services, redis_server):
    length = scheduling.Length(4.0, 4.0)
    services.dispatcher.accept(
        "XR1", tenant="XD1", source="marketplace", received_at=0.0, length=length
    )
    (job_id,) = DeadlineQueue("express", connection=redis_server).get_job_ids()
    job = RequestJob.fetch(job_id, connection=redis_server)
    assert (job.args, job.kwargs, job.description) == (["XR1"], {}, "process XR1")
    assert json.loads(job.data) == ["workers.process.process", None, ["XR1"], {}]
    assert sid_of(job_id) == "XR1"


def test_every_job_has_its_own_id(services):
    names = {services.dispatcher._job("XR1", "process") for _ in range(50)}
    assert len(names) == 50


@pytest.mark.parametrize("sid", ["XR" + "0" * 32, "with-dashes-in-it", "a"])
def test_the_sid_can_be_read_from_a_jobs_id(services, sid):
    assert sid_of(services.dispatcher._job(sid, "deliver")) == sid


def test_depths_are_counted(services):
    for number in range(3):
        services.dispatcher.accept(
            f"XR{number}",
            tenant="XD1",
            source="marketplace",
            received_at=0.0,
            length=scheduling.Length(100, 100),
        )
    assert services.dispatcher.depths()["q180"] == 3


def test_the_pressure_is_forecast_before_anything_has_waited(services):
    """A burst of voicemails: nothing has waited, and the last will wait more than its length."""
    for number in range(30):
        services.dispatcher.accept(
            f"XR{number}",
            tenant="XD1",
            source="marketplace",
            received_at=0.0,
            length=scheduling.Length(4.0, 4.0),
        )
    pressures = services.dispatcher.pressures({})
    assert pressures["express"] > 3
    assert {each for queue, each in pressures.items() if queue != "express"} == {0.0}


def test_the_pressure_is_never_less_than_the_wait_says(services):
    pressures = services.dispatcher.pressures({"express": 6.0, "deliver": 3.0})
    assert (pressures["express"], pressures["deliver"]) == (2.0, 1.0)
