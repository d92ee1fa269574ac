"""A holder whose lease went to another: a stalled machine, a partition. Two must not both send.

Each is played through at the step where it would do harm, the sending with a process that is
really stopped.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from typing import Any

import pytest
import redis
from redis.exceptions import ConnectionError as RedisConnectionError

import addon.requests.lease
from addon.archive.archive import Archive
from addon.archive.deposit import Deposit
from addon.errors import (
    CallbackClosed,
    CallbackUnavailable,
    KeyMissing,
    NotStored,
    StoreUnavailable,
    Tampered,
)
from addon.requests.dispatcher import Dispatcher
from addon.requests.intake_store import IntakeStore
from addon.requests.lease import Lease, held, key, lease
from addon.requests.queues import DeadlineQueue
from addon.requests.state import DONE, QUEUED, WORKING, RequestStates
from addon.settings import Settings
from tests.child import KillPoint, ended
from tests.stack.running import state, wait_until
from tests.web.requests import INSTALL
from tests.workers.working import become_worker
from workers import deposit, process
from workers.deliver import deliver
from workers.marketplace import MarketplaceHandler
from workers.services import Services
from workers.sweeper import Sweeper

NOT_AUDIO = bytes(range(256)) * 40
FAILURES = (StoreUnavailable, Tampered, KeyMissing)
ANOTHERS = "another-machine:1:0011223344556677"


@pytest.fixture
def at(monkeypatch) -> Callable[..., None]:
    """Has something happen once, before or after a method does its work."""

    def arranged(
        owner: object, name: str, happening: Callable[[], Any], *, before: bool = False
    ) -> None:
        real = getattr(owner, name)

        def disturbed(*args, **kwargs):
            monkeypatch.setattr(owner, name, real)
            if before:
                happening()
            done = real(*args, **kwargs)
            if not before:
                happening()
            return done

        monkeypatch.setattr(owner, name, disturbed)

    return arranged


@pytest.fixture
def taken_over(as_worker) -> Callable[[str, str], Callable[[], Any]]:
    """Another worker has the lease, and keeps it."""

    def make(kind: str, sid: str) -> Callable[[], Any]:
        return lambda: as_worker.redis.set(key(kind, sid), ANOTHERS)

    return make


def stored(services: Services) -> dict[str, str]:
    return {stat.key: stat.etag for stat in services.store.list()}


class TestDelivery:
    @pytest.fixture
    def exchange(self, accept):
        one = accept()
        process.process(one.sid)
        return one

    @pytest.fixture
    def stopped(self, exchange, settings, as_worker, children):
        """A process that delivers, stopped shortly before it sends, its lease run out."""
        stop = KillPoint("addon.requests.intake_store.IntakeStore.open", "after", signal.SIGSTOP)
        child = children.start(deliver_with_short_leases, settings, exchange.sid, kill=stop)
        wait_until(lambda: state(child.pid) == "T")
        wait_until(lambda: not held(as_worker.redis, "deliver", exchange.sid))
        return child

    @pytest.mark.parametrize("wiped", [False, True], ids=["", "redis wiped as well"])
    def test_a_stalled_process_sent_again_what_its_successor_had_sent(
        self, exchange, stopped, as_worker, wiped
    ):
        deliver(exchange.sid)
        assert len(exchange.callbacks) == 1
        if wiped:
            as_worker.redis.flushall()
        self.wakes_and_ends(stopped)
        assert len(exchange.callbacks) == 1
        assert as_worker.intake_store.outcome(exchange.sid)["answer"] == "delivered"
        assert as_worker.states.get(exchange.sid).state == DONE

    def test_a_stalled_process_sent_what_its_successor_was_sending(
        self, exchange, stopped, at, as_worker
    ):
        at(MarketplaceHandler, "send", lambda: self.wakes_and_ends(stopped), before=True)
        deliver(exchange.sid)
        assert len(exchange.callbacks) == 1
        assert as_worker.states.get(exchange.sid).state == DONE

    def wakes_and_ends(self, child: ForkServerProcess) -> None:
        os.kill(child.pid, signal.SIGCONT)
        assert ended(child) == 0

    def test_in_an_outage_nobody_sends_and_after_it_one_does(
        self, exchange, as_worker, monkeypatch
    ):
        """Who cannot ask does not know whether another is sending."""

        def away(*_args):
            raise RedisConnectionError

        with monkeypatch.context() as patch:
            patch.setattr(Lease, "confirm", away)
            with pytest.raises(RedisConnectionError):
                deliver(exchange.sid)
        assert exchange.callbacks == []
        deliver(exchange.sid)
        assert len(exchange.callbacks) == 1

    @pytest.mark.parametrize("error", [CallbackUnavailable, CallbackClosed])
    def test_a_failure_after_the_loss_is_the_successors_to_judge(
        self, exchange, as_worker, monkeypatch, taken_over, error
    ):
        def fail(*_args):
            taken_over("deliver", exchange.sid)()
            raise error("a refusal")

        monkeypatch.setattr(MarketplaceHandler, "send", fail)
        before = as_worker.states.get(exchange.sid)
        deliver(exchange.sid)
        after = as_worker.states.get(exchange.sid)
        assert (after.delivery, after.delivery_at) == (before.delivery, None)
        assert as_worker.intake_store.outcome(exchange.sid) is None

    def test_what_was_sent_goes_on_record_even_after_the_loss(
        self, exchange, as_worker, at, taken_over
    ):
        at(MarketplaceHandler, "send", taken_over("deliver", exchange.sid))
        deliver(exchange.sid)
        assert len(exchange.callbacks) == 1
        assert as_worker.intake_store.outcome(exchange.sid)["answer"] == "delivered"

    def test_what_was_sent_as_redis_went_away_was_sent_again(
        self, exchange, as_worker, monkeypatch
    ):
        """Its record in the store waited for a look into the states."""
        send = MarketplaceHandler.send
        away = redis.ConnectionPool.from_url("redis://127.0.0.1:1")

        with monkeypatch.context() as outage:

            def sent(*arguments):
                how = send(*arguments)
                outage.setattr(as_worker.redis, "connection_pool", away)
                return how

            outage.setattr(MarketplaceHandler, "send", sent)
            with pytest.raises(RedisConnectionError):
                deliver(exchange.sid)
        as_worker.redis.delete(key("deliver", exchange.sid))
        deliver(exchange.sid)
        assert len(exchange.callbacks) == 1
        assert as_worker.states.get(exchange.sid).state == DONE

    @pytest.mark.parametrize("failure", FAILURES)
    def test_what_fails_for_a_former_holder_changes_nothing(
        self, exchange, as_worker, monkeypatch, taken_over, failure
    ):
        def away(*_args):
            taken_over("deliver", exchange.sid)()
            raise failure("not for us")

        monkeypatch.setattr(IntakeStore, "open", away)
        deliver(exchange.sid)
        assert as_worker.states.get(exchange.sid).delivery == QUEUED


def deliver_with_short_leases(settings: Settings, sid: str) -> None:
    """In a process of its own: a lease that is not renewed soon runs out."""
    addon.requests.lease.TTL_MS = 200
    become_worker(settings)
    deliver(sid)


class TestWork:
    @pytest.mark.parametrize(
        ("audio", "owner", "step"),
        [
            (None, Deposit, "analysis"),
            (None, IntakeStore, "store_result"),
            (NOT_AUDIO, deposit, "unanalysed"),
        ],
        ids=["before the answer", "before the commit", "before an unread commit"],
    )
    def test_a_former_holder_leaves_all_as_it_is(
        self, accept, as_worker, settings, at, taken_over, audio, owner, step
    ):
        exchange = accept(audio)
        lying: dict[str, str] = {}

        def lost() -> None:
            lying.update(stored(as_worker))
            taken_over("process", exchange.sid)()

        at(owner, step, lost)
        process.process(exchange.sid)
        assert stored(as_worker) == lying
        assert as_worker.states.get(exchange.sid).state == WORKING
        with pytest.raises(NotStored):
            as_worker.archive.manifest(INSTALL, exchange.sid)

        as_worker.redis.delete(key("process", exchange.sid))
        process.process(exchange.sid)
        deliver(exchange.sid)
        opened = Archive.from_settings(settings).open(INSTALL, exchange.sid)
        assert b"".join(opened.read()) == exchange.audio
        assert len(exchange.callbacks) == 1

    @pytest.mark.parametrize("step", ["audio", "analysis"])
    def test_what_another_finished_in_the_meantime_stays_finished(
        self, accept, as_worker, settings, at, monkeypatch, step
    ):
        """A stall so long that the lease is free again; then only the store can tell."""
        monkeypatch.setattr("addon.requests.lease.RENEW_S", 60.0)
        exchange = accept()
        finished: dict[str, str] = {}

        def finish() -> None:
            as_worker.redis.delete(key("process", exchange.sid))
            process.process(exchange.sid)
            deliver(exchange.sid)
            finished.update(stored(as_worker))

        at(Deposit, step, finish)
        process.process(exchange.sid)
        assert stored(as_worker) == finished
        assert len(exchange.callbacks) == 1
        entry = as_worker.states.get(exchange.sid)
        assert (entry.state, entry.outcome) == (DONE, "delivered")
        archive = Archive.from_settings(settings)
        archive.complete(archive.manifest(INSTALL, exchange.sid))

    @pytest.mark.parametrize("failure", FAILURES)
    def test_a_former_holder_does_not_make_its_successor_wait(
        self, accept, as_worker, monkeypatch, taken_over, failure
    ):
        exchange = accept()

        def away(*_args):
            taken_over("process", exchange.sid)()
            raise failure("not for us")

        monkeypatch.setattr(Deposit, "audio", away)
        process.process(exchange.sid)
        entry = as_worker.states.get(exchange.sid)
        assert (entry.state, entry.attempts, entry.work_at) == (WORKING, 1, None)


class TestSweep:
    """A sweep that lasts longer than its turn runs beside its successor."""

    def test_an_entry_that_was_read_before_a_stall(self, accept, as_worker, at):
        """The request was finished during it; nothing is sent, and nothing is left behind."""
        exchange = accept(duration=1.0)
        sweeper = Sweeper(as_worker, clock=lambda: exchange_time(as_worker, exchange.sid) + 20)

        def finish() -> None:
            process.process(exchange.sid)
            deliver(exchange.sid)

        as_worker.states.look_again(exchange.sid, 0.0)
        at(Dispatcher, "deliver_failures", finish, before=True)
        sweeper.sweep()
        deliver(exchange.sid)
        assert len(exchange.callbacks) == 1
        assert as_worker.intake_store.stored_result(exchange.sid) is None
        entry = as_worker.states.get(exchange.sid)
        assert (entry.state, entry.outcome) == (DONE, "delivered")
        assert as_worker.states.open_sids() == set()

    def test_what_two_sweeps_queue_twice_is_done_once(self, accept, as_worker, at):
        exchange = accept()
        queue = as_worker.states.get(exchange.sid).queue
        as_worker.redis.delete(f"rq:queue:{queue}")
        as_worker.states.look_again(exchange.sid, 0.0)
        at(RequestStates, "get", lambda: sweep_again(as_worker, exchange.sid))
        Sweeper(as_worker).sweep()
        jobs = DeadlineQueue(queue, connection=as_worker.redis).get_job_ids()
        assert len(jobs) == 2
        with lease(as_worker.redis, "process", exchange.sid):
            process.process(exchange.sid)
            assert as_worker.intake_store.stored_result(exchange.sid) is None
        for _ in jobs:
            process.process(exchange.sid)
            deliver(exchange.sid)
        assert len(exchange.callbacks) == 1


def exchange_time(services: Services, sid: str) -> float:
    return float(services.redis.hget(f"ledger:{sid}", "received_at"))


def sweep_again(services: Services, sid: str) -> None:
    services.states.look_again(sid, 0.0)
    Sweeper(services).sweep()
