"""Keys in Redis that somebody spoils: no request is lost, and no other one waits for it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

from addon import redis_keys
from addon.requests import scheduling
from addon.requests.measures import FinishedCounting
from addon.requests.queues import DeadlineQueue
from addon.requests.spoilt_keys import SpoiltKeys
from addon.requests.state import STORED_AS, RequestState
from workers import leader, process
from workers.deliver import deliver
from workers.periodic_tasks import Schedule
from workers.services import Services
from workers.sweeper import Sweeper

SPOILT: dict[str, tuple[Any, ...]] = {
    "text": ("SET", b"\xff\x00 garbage"),
    "deep JSON": ("SET", b"[" * 100_000),
    "list": ("RPUSH", b"\xff", b"1"),
    "hash": ("HSET", b"\xff", b"\xfe", b"received_at", b"garbage", b"state", b"\xff"),
    "sorted set": ("ZADD", 1, b"\xff", 2, b"none"),
}
"""Commands that write something else than ours, without the key."""

FIXED = (
    redis_keys.REQUESTS_OPEN,
    redis_keys.REQUESTS_DONE,
    redis_keys.REQUESTS_UNCOUNTED,
    redis_keys.RESERVES,
    redis_keys.METRICS,
    redis_keys.SWEEPER,
    redis_keys.SERVICE_TIMES + "express",
    "rq:queue:express",
    "rq:queue:express:intermediate",
)


def spoil(connection: redis.Redis, key: str, command: tuple[Any, ...]) -> None:
    """Write something else than ours under a key."""
    connection.delete(key)
    connection.execute_command(command[0], key, *command[1:])


class Leader:
    """The sweeper's process, each of its rounds a while after the one before."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.ahead = 0.0
        self.sweeper = Sweeper(services, lambda: time.time() + self.ahead)

    def __call__(self, rounds: int = 4) -> float:
        services = self.services
        steps: tuple[Callable[[], object], ...] = (
            SpoiltKeys(services.redis).step,
            services.dispatcher.make_room,
            services.states.forget_old,
            self.sweeper.sweep,
            FinishedCounting(services.states, services.counters).step,
            Schedule(services).step,
        )
        pause = 0.0
        for _ in range(rounds):
            self.ahead += 2 * scheduling.LOOK_S
            pause = leader.lead(services, "me", steps)
        return pause


@pytest.fixture
def lead(as_worker: Services, monkeypatch: pytest.MonkeyPatch) -> Leader:
    monkeypatch.setattr("workers.sweeper.CLOSED_S", 0.0)
    return Leader(as_worker)


def worked(services: Services) -> list[str]:
    """Run every job that a worker would be given; gives their requests."""
    queues = [DeadlineQueue(name, connection=services.redis) for name in scheduling.ALL_QUEUES]
    sids = []
    while taken := DeadlineQueue.dequeue_any(queues, None, services.redis):
        job, queue = taken
        {"process": process.process, "deliver": deliver}[job.id.partition("-")[0]](job.args[0])
        services.dispatcher.land(queue.name, job.id)
        sids.append(job.args[0])
    return sids


def answered(services: Services, *exchanges: Any) -> None:
    """Each is answered once with its result, and finished."""
    for exchange in exchanges:
        documents = [each.document()["status"] for each in exchange.callbacks]
        assert documents == ["successful"], exchange.sid
        assert not services.intake_store.is_waiting(exchange.sid)


@pytest.mark.parametrize("command", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("key", FIXED)
def test_sweeper_and_workers_go_on_and_every_request_is_answered(
    accept, as_worker, lead, key, command
):
    before = accept()
    spoil(as_worker.redis, key, command)
    assert lead() == leader.EVERY_S
    after = accept()
    worked(as_worker)
    assert lead() == leader.EVERY_S
    worked(as_worker)
    answered(as_worker, before, after)


@pytest.mark.parametrize("command", SPOILT.values(), ids=SPOILT)
def test_a_request_whose_own_state_is_spoilt_is_answered_all_the_same(
    accept, as_worker, lead, command
):
    spoilt, other = accept(), accept()
    spoil(as_worker.redis, redis_keys.REQUEST + spoilt.sid, command)
    assert lead() == leader.EVERY_S
    worked(as_worker)
    answered(as_worker, spoilt, other)


@pytest.mark.parametrize("command", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("kind", ["process", "deliver"])
def test_a_lease_that_never_ends_is_none(accept, as_worker, lead, kind, command):
    exchange = accept()
    as_worker.redis.delete("rq:queue:express")
    spoil(as_worker.redis, f"{redis_keys.LEASE}{kind}:{exchange.sid}", command)
    assert lead() == leader.EVERY_S
    worked(as_worker)
    answered(as_worker, exchange)


@pytest.mark.parametrize("command", SPOILT.values(), ids=SPOILT)
def test_a_leader_that_never_ends_is_none(as_worker, command):
    spoil(as_worker.redis, redis_keys.SWEEPER, command)
    ran: list[int] = []
    assert leader.lead(as_worker, "me", [lambda: ran.append(1)]) == leader.EVERY_S
    assert ran == [1]


def test_a_periodic_task_that_was_marked_for_ever_runs_again(as_worker, monkeypatch):
    settings = as_worker.settings.replace(delete_at_source_after_s=7200)
    services = dataclasses.replace(as_worker, settings=settings)
    services.redis.set(redis_keys.PERIODIC_TASK + "delete", "for ever")
    for _ in range(2):
        Schedule(services).step()
    assert services.redis.llen(f"rq:queue:{scheduling.PERIODIC}") == 1


def test_a_thousand_members_that_are_no_request_hide_none(accept, as_worker, lead):
    exchange = accept()
    as_worker.redis.delete("rq:queue:express")
    foreign = {b"\xff%d" % each: float("-inf") for each in range(1500)}
    as_worker.redis.zadd(redis_keys.REQUESTS_OPEN, foreign)  # type: ignore[arg-type]
    assert lead() == leader.EVERY_S
    assert as_worker.states.open_count() == 1
    worked(as_worker)
    answered(as_worker, exchange)


@pytest.mark.parametrize("garbage", [b"x", b"nan", b"inf", b"-1e300", b""], ids=str)
def test_workers_take_jobs_whatever_service_times_and_reserves_say(as_worker, accept, garbage):
    exchange = accept()
    for queue in scheduling.RECORDING_QUEUES:
        as_worker.redis.rpush(redis_keys.SERVICE_TIMES + queue, *[garbage] * 32)
    as_worker.redis.hset(redis_keys.RESERVES, mapping={"late": garbage, "longer": garbage})
    assert worked(as_worker)[0] == exchange.sid
    answered(as_worker, exchange)


FIELDS = [field.name for field in dataclasses.fields(RequestState) if field.name != "sid"]


@pytest.mark.parametrize("value", [b"\xff", b"x", b"nan", b"1e300", b"-1", b"0"], ids=str)
def test_no_field_of_a_state_keeps_its_request_or_another_from_an_answer(
    accept, as_worker, lead, value
):
    exchanges = {field: accept() for field in FIELDS}
    for field, exchange in exchanges.items():
        key = redis_keys.REQUEST + exchange.sid
        as_worker.redis.hset(key, STORED_AS.get(field, field), value)
        as_worker.states.look_again(exchange.sid, 0.0)
    for _ in range(3):
        assert lead() == leader.EVERY_S
        worked(as_worker)
    answered(as_worker, *exchanges.values())


STATES = [
    *(("state", each) for each in ("working", "waiting", "processed", "stuck", "done", "x")),
    *(("delivery", each) for each in ("queued", "waiting", "answered", "x")),
    ("outcome", "delivered"),
    ("delivered_at", "1790000000.000"),
]
FAR = "9000000000.0"
WAITS = [
    {"state": "waiting", "work_at": FAR},
    {"state": "processed", "delivery": "waiting", "delivery_at": FAR, "delivery_pause": FAR},
]


@pytest.mark.parametrize(("field", "value"), STATES)
def test_no_state_that_is_planted_hides_a_request(accept, as_worker, lead, field, value):
    exchange = accept()
    as_worker.redis.hset(redis_keys.REQUEST + exchange.sid, field, value)
    as_worker.redis.delete("rq:queue:express")
    for _ in range(3):
        lead(2)
        worked(as_worker)
    answered(as_worker, exchange)


@pytest.mark.parametrize("planted", WAITS, ids=lambda planted: planted["state"])
def test_no_wait_that_is_planted_is_endless(accept, as_worker, lead, planted):
    exchange = accept()
    as_worker.redis.hset(redis_keys.REQUEST + exchange.sid, mapping=planted)
    as_worker.redis.delete("rq:queue:express")
    for _ in range(3):
        lead(2)
        worked(as_worker)
    answered(as_worker, exchange)


def test_a_request_that_is_called_hopeless_keeps_its_recording(accept, as_worker, lead):
    """Only the number of tries is believed: the answer is a failure, and a person is called."""
    exchange = accept()
    as_worker.redis.hset(redis_keys.REQUEST + exchange.sid, "attempts", 1000)
    worked(as_worker)
    lead()
    assert b"".join(as_worker.intake_store.open(exchange.sid).audio) == exchange.audio
