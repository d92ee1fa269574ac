"""The dispatcher: jobs that carry a request SID and nothing else, and the state of the queues."""

from __future__ import annotations

import json
import time

import pytest

from addon.requests import scheduling
from addon.requests.queues import DeadlineQueue, RequestJob, due_of, sid_of


def test_a_job_carries_the_sid_alone(services, redis_server):
    length = scheduling.Length(4.0, 4.0)
    services.dispatcher.accept(
        "XR1", tenant="XD1", source="marketplace", received_at=0.0, length=length
    )
    (job_id,) = DeadlineQueue("express", connection=redis_server).get_job_ids()
    job = RequestJob.fetch(job_id, connection=redis_server)
    assert (job.args, job.kwargs, job.description) == (["XR1"], {}, "process XR1")
    assert json.loads(job.data) == ["workers.process.process", None, ["XR1"], {}]
    assert (sid_of(job_id), job_id[-20:-16]) == ("XR1", "0004")


def test_every_job_has_its_own_id(services):
    names = {services.dispatcher._job("XR1", "process") for _ in range(50)}
    assert len(names) == 50


@pytest.mark.parametrize("sid", ["XR" + "0" * 32, "with-dashes-in-it", "a"])
def test_the_sid_can_be_read_from_a_jobs_id(services, sid):
    assert sid_of(services.dispatcher._job(sid, "deliver")) == sid


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0, 0), (2.0, 2), (2.3, 3), (14_400.0, 14_400), (1e9, 65_535), (-1.0, 0)],
)
def test_a_job_is_named_by_its_length_too(services, seconds, told):
    job = services.dispatcher._job("XR1", "process", 0x69A80600, seconds)
    assert (int(job[-20:-16], 16), due_of(job), sid_of(job)) == (told, 0x69A80600, "XR1")


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


def test_the_jobs_that_wait_are_told_from_others_in_one_call(services):
    services.dispatcher.deliver("XR1", first=True)
    waits = ("deliver", DeadlineQueue("deliver", connection=services.redis).get_job_ids()[0])
    others = [("redeliver", waits[1]), ("deliver", "deliver-XR2-0"), ("of-another-release", "a")]
    assert services.dispatcher.waiting([waits, *others]) == {waits}


def test_a_job_that_is_late_when_queued_waits_in_front_of_those_that_are_not(services):
    """In the front of a queue are the late ones, wherever they came from."""
    for sid, received_at in (("XR1", time.time()), ("XR2", time.time() - 1000)):
        services.dispatcher.accept(
            sid,
            tenant="XD1",
            source="marketplace",
            received_at=received_at,
            length=scheduling.Length(4.0, 4.0),
        )
    waiting = DeadlineQueue("express", connection=services.redis).get_job_ids()
    assert list(map(sid_of, waiting)) == ["XR2", "XR1"]


def test_a_claimed_job_is_stored_as_the_same_job_queued_again(services, redis_server):
    """The claim packs its commands itself; what redis-py sends of any other job is the measure."""
    length = scheduling.Length(4.0, 4.0)
    services.dispatcher.accept(
        "XR1", tenant="XD1", source="marketplace", received_at=0.0, length=length
    )
    services.dispatcher.process(services.states.get("XR1"))
    claimed, again = (
        redis_server.hgetall(f"rq:job:{job}")
        for job in DeadlineQueue("express", connection=redis_server).get_job_ids()
    )
    assert claimed[b"status"] == b"queued"
    moments = {b"created_at", b"enqueued_at"}
    assert {k: v for k, v in claimed.items() if k not in moments} == {
        k: v for k, v in again.items() if k not in moments
    }
