"""The sweeper: nothing accepted is forgotten, whatever was killed, wiped or late."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rq.queue import Queue

from addon import redis_keys
from addon.errors import StoreUnavailable
from addon.requests import scheduling, selection
from addon.requests.lease import lease
from addon.requests.queues import DeadlineQueue, sid_of
from addon.requests.request import Request
from addon.requests.state import QUEUED, WORKING
from tests.calls import wav
from workers import process
from workers.deliver import deliver
from workers.services import Services
from workers.sweeper import FORGOTTEN_EVERY_S, SILENCE_S, Sweeper


class Clock:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sweeper(as_worker, clock) -> Sweeper:
    return Sweeper(as_worker, clock)


def waiting(services) -> list[str]:
    """All jobs in all queues, in the order they would be taken."""
    return [
        job
        for queue in scheduling.ALL_QUEUES
        for job in Queue(queue, connection=services.redis).get_job_ids()
    ]


def take(services, queue: str = "express") -> str:
    """What a worker does first: move a job in flight."""
    queue = DeadlineQueue(queue, connection=services.redis)
    job, _ = DeadlineQueue.dequeue_any([queue], None, services.redis)
    return job.id


def work(services) -> None:
    """Run every waiting job to its end, as workers would."""
    for queue in scheduling.ALL_QUEUES:
        while services.redis.llen(f"rq:queue:{queue}"):
            job = take(services, queue)
            (deliver if job.startswith("deliver") else process.process)(sid_of(job))
            services.dispatcher.land(queue, job)


def test_a_request_that_waits_in_its_lane_is_left_alone(accept, sweeper, clock, as_worker):
    accept()
    before = waiting(as_worker)
    for _ in range(3):
        clock.ahead += scheduling.LOOK_S / 6
        sweeper.sweep()
    assert waiting(as_worker) == before


def test_with_redis_wiped_every_unfinished_request_is_queued_again(accept, sweeper, as_worker):
    exchanges = [accept() for _ in range(5)]
    as_worker.redis.flushall()
    sweeper.sweep()
    assert sorted(map(sid_of, waiting(as_worker))) == sorted(each.sid for each in exchanges)
    work(as_worker)
    work(as_worker)
    assert [len(each.callbacks) for each in exchanges] == [1] * 5


def test_a_finished_request_is_not_queued_again_after_a_wipe(accept, sweeper, as_worker):
    accept()
    work(as_worker)
    as_worker.redis.flushall()
    sweeper.sweep()
    assert waiting(as_worker) == []


@pytest.mark.parametrize(
    "planted", [{"outcome": "delivered"}, {"received_at": "1", "state": "done"}]
)
def test_a_state_planted_in_redis_hides_no_accepted_request(
    accept, sweeper, as_worker, monkeypatch, planted
):
    exchange = accept()
    as_worker.redis.flushall()
    as_worker.redis.hset(f"ledger:{exchange.sid}", mapping=planted)
    sweeper.sweep()
    assert waiting(as_worker) == [], "it may just be finishing"
    monkeypatch.setattr("workers.sweeper.CLOSED_S", 0.0)
    sweeper._compared_at = 0.0
    sweeper.sweep()
    assert list(map(sid_of, waiting(as_worker))) == [exchange.sid]
    work(as_worker)
    work(as_worker)
    assert len(exchange.callbacks) == 1


def test_a_record_that_a_late_duplicate_wrote_goes_and_nothing_is_done_again(
    accept, sweeper, as_worker, monkeypatch
):
    """It had looked for the outcome just before that was there."""
    exchange, intake = accept(), as_worker.intake_store
    record = intake.open(exchange.sid)
    audio = list(record.audio)
    work(as_worker)
    work(as_worker)
    finished = as_worker.states.get(exchange.sid)
    assert intake.accept(exchange.sid, record.source, record.request, audio, record.signature)
    sweeper.sweep()
    assert intake.is_waiting(exchange.sid), "it may just be finishing"
    monkeypatch.setattr("workers.sweeper.CLOSED_S", 0.0)
    sweeper._compared_at = 0.0
    sweeper.sweep()
    assert not intake.is_waiting(exchange.sid)
    assert waiting(as_worker) == []
    assert as_worker.states.get(exchange.sid) == finished
    assert len(exchange.callbacks) == 1


def test_an_answered_request_whose_recording_is_not_archived_is_not_hidden_by_its_state(
    accept, sweeper, as_worker, monkeypatch
):
    exchange = accept()
    as_worker.redis.flushall()
    as_worker.redis.hset(f"ledger:{exchange.sid}", "outcome", "delivered")
    as_worker.intake_store.record_outcome(exchange.sid, {"answered_at": 1.0})
    monkeypatch.setattr("workers.sweeper.CLOSED_S", 0.0)
    sweeper.sweep()
    assert list(map(sid_of, waiting(as_worker))) == [exchange.sid]
    work(as_worker)
    assert not as_worker.intake_store.is_waiting(exchange.sid)
    assert exchange.callbacks == []


def test_a_request_at_work_is_not_queued_again_after_a_wipe(accept, sweeper, as_worker):
    exchange = accept()
    with lease(as_worker.redis, "process", exchange.sid):
        _forget_ledger(as_worker, exchange.sid)
        sweeper.sweep()
        assert waiting(as_worker) == []


def _forget_ledger(services, sid: str) -> None:
    held = services.redis.get(f"lease:process:{sid}")
    services.redis.flushall()
    services.redis.set(f"lease:process:{sid}", held, px=4000)


def test_a_job_that_was_taken_and_whose_worker_died_is_queued_again(
    accept, sweeper, clock, as_worker
):
    exchange = accept()
    taken = take(as_worker)
    assert waiting(as_worker) == []
    sweeper.sweep()
    assert waiting(as_worker) == [], "a worker may just be starting"
    clock.ahead += SILENCE_S + 0.1
    sweeper.sweep()
    (again,) = waiting(as_worker)
    assert again != taken
    assert sid_of(again) == exchange.sid
    assert as_worker.dispatcher.in_flight()["express"] == []


def test_a_job_at_work_is_left_alone(accept, sweeper, clock, as_worker):
    exchange = accept(wav(4.0))
    take(as_worker)
    with lease(as_worker.redis, "process", exchange.sid):
        as_worker.states.begin_attempt(exchange.sid, 0.0)
        for _ in range(4):
            clock.ahead += SILENCE_S
            sweeper.sweep()
    assert [job for job in waiting(as_worker) if job.startswith("process")] == []


def test_a_worker_that_died_at_work_is_noticed(accept, sweeper, clock, as_worker):
    exchange = accept()
    job = take(as_worker)
    as_worker.states.begin_attempt(exchange.sid, 0.0)
    as_worker.dispatcher.land("express", job)
    as_worker.states.look_again(exchange.sid, 0.0)
    sweeper.sweep()
    assert [sid_of(job) for job in waiting(as_worker)] == [exchange.sid]
    assert as_worker.states.get(exchange.sid).state == QUEUED


def test_a_delivery_that_was_lost_is_queued_again(accept, sweeper, clock, as_worker):
    exchange = accept()
    process.process(exchange.sid)
    as_worker.redis.delete("rq:queue:deliver")
    clock.ahead += scheduling.LOOK_S + 1
    sweeper.sweep()
    work(as_worker)
    assert len(exchange.callbacks) == 1


def test_a_delivery_waits_for_its_time(accept, sweeper, clock, as_worker, market):
    exchange = accept()
    market.answers = [503]
    work(as_worker)
    sweeper.sweep()
    assert waiting(as_worker) == []
    clock.ahead += 60
    sweeper.sweep()
    assert [job.split("-")[0] for job in waiting(as_worker)] == ["deliver"]
    work(as_worker)
    assert len(exchange.callbacks) == 1
    assert as_worker.states.get(exchange.sid).state == "done"


def test_a_request_that_waits_for_its_source_is_tried_again_in_time(
    accept, sweeper, clock, as_worker, market
):
    exchange = accept(by_url=True)
    held_back = market.exchanges.pop(exchange.sid)
    work(as_worker)
    sweeper.sweep()
    assert waiting(as_worker) == []
    market.exchanges[exchange.sid] = held_back
    clock.ahead += 5
    sweeper.sweep()
    work(as_worker)
    assert len(exchange.callbacks) == 1


class TestDeadline:
    def old(self, seconds: float) -> dict[str, object]:
        received = datetime.now(UTC) - timedelta(seconds=seconds)
        return {"received_at": received, "duration": 1.0, "channels": 2.0}

    def test_what_cannot_make_it_is_answered_and_archived_all_the_same(
        self, accept, sweeper, as_worker, settings
    ):
        exchange = accept(**self.old(9))
        as_worker.states.look_again(exchange.sid, 0.0)
        sweeper.sweep()
        for queue in ("deliver", "express"):
            job = take(as_worker, queue)
            (deliver if queue == "deliver" else process.process)(sid_of(job))
        assert [each.document()["code"] for each in exchange.callbacks] == [61001]
        assert not as_worker.intake_store.is_waiting(exchange.sid)
        manifest = as_worker.archive.manifest("XD" + "33" * 16, exchange.sid)
        assert manifest.facts.duration_seconds == 1.0

    def test_what_was_archived_before_its_failure_was_delivered_is_finished_too(
        self, accept, sweeper, as_worker
    ):
        exchange = accept(**self.old(9))
        as_worker.states.look_again(exchange.sid, 0.0)
        sweeper.sweep()
        process.process(exchange.sid)
        work(as_worker)
        assert [each.document()["code"] for each in exchange.callbacks] == [61001]
        assert not as_worker.intake_store.is_waiting(exchange.sid)

    def test_it_is_not_answered_early(self, accept, sweeper, as_worker):
        exchange = accept(**self.old(7))
        as_worker.states.look_again(exchange.sid, 0.0)
        sweeper.sweep()
        assert as_worker.intake_store.stored_result(exchange.sid) is None

    def test_an_unknown_length_is_never_answered_for(self, accept, sweeper, as_worker):
        exchange = accept(by_url=True, received_at=datetime.now(UTC) - timedelta(hours=9))
        as_worker.states.look_again(exchange.sid, 0.0)
        sweeper.sweep()
        assert as_worker.intake_store.stored_result(exchange.sid) is None

    def test_a_result_that_is_there_is_never_replaced(self, accept, sweeper, clock, as_worker):
        exchange = accept(**self.old(5))
        process.process(exchange.sid)
        clock.ahead += 5
        as_worker.states.look_again(exchange.sid, 0.0)
        sweeper.sweep()
        work(as_worker)
        assert [each.document()["status"] for each in exchange.callbacks] == ["successful"]


class TestFailuresThatAreDue:
    """They wait while a recording does that can be in time, but for their reserve."""

    def late(self, accept, number: int) -> list[str]:
        received = datetime.now(UTC) - timedelta(seconds=9)
        return [accept(received_at=received, duration=1.0, channels=2.0).sid for _ in range(number)]

    @pytest.fixture
    def all_looked_at(self, as_worker, sweeper) -> Callable[[], list[str]]:
        """Has every request looked at now; gives the requests whose delivery is queued then."""

        def sweep() -> list[str]:
            for sid in as_worker.states.open_sids():
                as_worker.states.look_again(sid, 0.0)
            sweeper.sweep()
            jobs = Queue("deliver", connection=as_worker.redis).get_job_ids()
            return sorted(map(sid_of, jobs))

        return sweep

    def test_without_a_reserve_none_is_sent_and_all_are_counted(
        self, accept, as_worker, all_looked_at
    ):
        sids = self.late(accept, 3)
        in_time = accept(wav(30.0)).sid
        assert all_looked_at() == all_looked_at() == []
        assert as_worker.dispatcher.failures_due.count() == 3
        work_on(as_worker, in_time)
        assert all_looked_at() == sorted(sids)
        assert as_worker.dispatcher.failures_due.count() == 0

    def test_the_reserve_pays_for_those_that_twilio_fails_next(
        self, accept, as_worker, all_looked_at
    ):
        first, second = self.late(accept, 2)
        as_worker.states.mark(first, received_at=time.time() - 11.0)
        accept(wav(30.0))
        as_worker.redis.hset(redis_keys.RESERVES, "failures", 1.5 * selection.FAILURE_S)
        assert all_looked_at() == [second]
        assert as_worker.dispatcher.failures_due.count() == 1
        owed = float(as_worker.redis.hget(redis_keys.RESERVES, "failures"))
        assert owed == pytest.approx(0.5 * selection.FAILURE_S)
        as_worker.redis.hset(redis_keys.RESERVES, "failures", 2 * selection.FAILURE_S)
        assert all_looked_at() == sorted([first, second])

    def test_what_its_late_job_has_answered_is_not_answered_again(
        self, accept, as_worker, all_looked_at, market
    ):
        (sid,) = self.late(accept, 1)
        in_time = accept(wav(30.0)).sid
        assert all_looked_at() == []
        work_on(as_worker, sid)
        assert as_worker.dispatcher.failures_due.count() == 0
        as_worker.dispatcher.failures_due.add(
            {sid: 0.0}
        )  # as a release leaves it that knows of none
        work_on(as_worker, in_time)
        assert all_looked_at() == []
        assert as_worker.states.get(sid).state == "done"
        assert as_worker.dispatcher.failures_due.count() == 0
        assert [each.document()["code"] for each in market.exchanges[sid].callbacks] == [61001]

    def test_with_redis_lost_they_are_noted_again(self, accept, as_worker, all_looked_at):
        self.late(accept, 2)
        accept(wav(30.0))
        assert all_looked_at() == []
        as_worker.redis.delete(redis_keys.REQUESTS_FAILING)
        assert all_looked_at() == []
        assert as_worker.dispatcher.failures_due.count() == 2


def work_on(services, sid: str) -> None:
    """Do the work of one request that waits, and its delivery."""
    entry = services.states.get(sid)
    services.redis.lrem(f"rq:queue:{entry.queue}", 1, entry.job)
    process.process(sid)
    if services.intake_store.is_waiting(sid):
        job = services.states.get(sid).delivery_job
        services.redis.lrem("rq:queue:deliver", 1, job)
        deliver(sid)


def test_an_answered_request_that_was_not_cleared_up_is(accept, sweeper, as_worker, monkeypatch):
    exchange = accept()

    def mark(services: Services, request: Request, *facts: Any) -> None:
        services.states.mark(request.sid, **facts[-1])

    with monkeypatch.context() as patch:
        patch.setattr("workers.finalise.finish_answered", mark)
        work(as_worker)
    assert as_worker.intake_store.is_waiting(exchange.sid)
    as_worker.states.look_again(exchange.sid, 0.0)
    sweeper.sweep()
    assert not as_worker.intake_store.is_waiting(exchange.sid)
    assert as_worker.states.get(exchange.sid).state == "done"


def test_a_store_that_fails_does_not_stop_the_sweep(accept, sweeper, as_worker, monkeypatch):
    first, second = accept(), accept()
    for each in (first, second):
        as_worker.states.mark(each.sid, state=WORKING)
        as_worker.states.look_again(each.sid, 0.0)

    def fail(*_args, **_kwargs):
        raise StoreUnavailable("the store does not answer")

    monkeypatch.setattr(type(as_worker.intake_store), "store_result", fail)
    sweeper._compared_at = time.time() + FORGOTTEN_EVERY_S
    sweeper.sweep()


def test_an_orphaned_job_of_a_finished_request_is_landed(accept, sweeper, clock, as_worker):
    exchange = accept()
    job = take(as_worker)
    process.process(exchange.sid)
    deliver(exchange.sid)
    assert job in as_worker.dispatcher.in_flight()["express"]
    sweeper.sweep()
    clock.ahead += SILENCE_S + 0.1
    sweeper.sweep()
    assert as_worker.dispatcher.in_flight()["express"] == []
    assert [each for each in waiting(as_worker) if each.startswith("process")] == []


class TestManyThatWait:
    """Of a long backlog nearly all wait in good order, and few calls say so for all of them."""

    NUMBER = 300

    @pytest.fixture
    def backlog(self, as_worker) -> list[str]:
        sids = [f"XR{number:032x}" for number in range(self.NUMBER)]
        for sid in sids:
            as_worker.dispatcher.accept(
                sid,
                tenant="XD1",
                source="marketplace",
                received_at=time.time(),
                length=scheduling.Length(30.0, 30.0),
            )
            as_worker.states.look_again(sid, 0.0)
        return sids

    def test_few_calls_are_made_for_all(self, backlog, sweeper, as_worker, monkeypatch):
        sweeper._compared_at = time.time() + FORGOTTEN_EVERY_S
        sent = []
        execute = as_worker.redis.execute_command
        monkeypatch.setattr(
            as_worker.redis, "execute_command", lambda *a, **o: sent.append(a) or execute(*a, **o)
        )
        sweeper.sweep()
        assert len(sent) < 10
        assert as_worker.states.due_at(time.time() + 1.0, 9) == {}
        assert len(as_worker.states.due_at(time.time() + scheduling.LOOK_S, 999)) == self.NUMBER

    def test_those_that_are_lost_among_them_are_queued_again(self, backlog, sweeper, as_worker):
        lost = as_worker.states.get(backlog[7])
        as_worker.redis.lrem("rq:queue:express", 1, lost.job)
        sweeper.sweep()
        assert as_worker.states.get(lost.sid).job != lost.job
        assert len(waiting(as_worker)) == self.NUMBER

    def test_a_waiting_request_is_looked_at_when_it_is_to_be_answered(
        self, backlog, sweeper, clock, as_worker
    ):
        clock.ahead = scheduling.ANSWER_AT * 30.0 - 10.0
        sweeper.sweep()
        assert len(as_worker.states.due_at(clock() + 11.0, 999)) == self.NUMBER


def test_a_delivery_that_is_to_be_tried_again_is_not_passed_over_beside_waiting_work(
    accept, sweeper, as_worker
):
    exchange = accept()
    as_worker.states.mark(exchange.sid, delivery="waiting", delivery_at=1.0)
    as_worker.states.look_again(exchange.sid, 0.0)
    sweeper.sweep()
    assert [job.split("-")[0] for job in waiting(as_worker)] == ["process", "deliver"]


def test_comparing_a_long_backlog_takes_a_hundredth_of_a_core(sweeper, clock, monkeypatch):
    compared = []

    def slow() -> None:
        compared.append(clock())
        cpu.append(0.09)  # for 7,000 waiting requests

    cpu = [0.0]
    monkeypatch.setattr(sweeper, "_find_forgotten", slow)
    monkeypatch.setattr("workers.sweeper.time.thread_time", lambda: sum(cpu))
    for _ in range(20):
        sweeper.sweep()
        clock.ahead += 1.0
    assert len(compared) == 3
    assert compared[1] - compared[0] >= 9.0
