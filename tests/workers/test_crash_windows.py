"""A kill -9, a wiped Redis or a store that is away between two particular steps: each was a way to
lose an answer, or to give one twice. Each is played through at exactly that step.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from addon.archive.archive import Archive
from addon.archive.deposit import Deposit
from addon.archive.store import Store
from addon.errors import StoreUnavailable
from addon.metrics import declarations
from addon.metrics.counters import field
from addon.requests.intake_store import IntakeStore
from addon.requests.record_cipher import RecordCipher
from addon.requests.state import DONE, PROCESSED, QUEUED, STUCK
from addon.settings import Settings
from tests.child import KillPoint
from tests.web.requests import INSTALL
from tests.workers.working import become_worker
from workers import finalise, process
from workers.deliver import deliver
from workers.services import services
from workers.sweeper import Sweeper

NOT_AUDIO = bytes(range(256)) * 40
"""No text and no recording: archived as it came, and answered with a failure."""


@pytest.fixture
def killed(children, settings, redis_server):
    """Runs a function of the worker in a process that is killed before one step of it.

    The leases that it held have run out when this returns.
    """

    def ran(step: Callable[..., Any], work: Callable[..., None], *args: object) -> None:
        point = KillPoint(f"{step.__module__}.{step.__qualname__}", "before")
        assert children.run(as_a_worker, settings, work, *args, kill=point) == -signal.SIGKILL
        for lease in redis_server.keys("lease:*"):
            redis_server.delete(lease)

    return ran


def as_a_worker(settings: Settings, work: Callable[..., None], *args: object) -> None:
    become_worker(settings)
    work(*args)


def sweep(seconds: float) -> None:
    """One sweep as if it were so many seconds later, with everything looked at."""
    ours = services()
    for sid in ours.states.open_sids():
        ours.states.look_again(sid, 0.0)
    Sweeper(ours, clock=lambda: time.time() + seconds).sweep()


def finish(as_worker, sid: str) -> None:
    process.process(sid)
    deliver(sid)
    assert as_worker.states.get(sid).state == DONE
    assert not as_worker.intake_store.is_waiting(sid)


def test_killed_between_archiving_as_received_and_keeping_the_failure(accept, as_worker, killed):
    """The recording is committed, so the next try meets it; the answer has to be made then."""
    exchange = accept(NOT_AUDIO)
    killed(IntakeStore.store_result, process.process, exchange.sid)
    finish(as_worker, exchange.sid)
    (callback,) = exchange.callbacks
    assert callback.document()["status"] == "failed"


def test_redis_wiped_under_a_worker_that_then_dies(accept, as_worker, redis_server):
    """What a worker still writes of a request that Redis forgot must not pass for its entry."""
    exchange = accept()
    redis_server.flushall()
    as_worker.states.mark(exchange.sid, duration=1.0, analysed_at=time.time())
    as_worker.states.begin_attempt(exchange.sid, 0.0)
    sweep(0.0)
    assert as_worker.states.get(exchange.sid).state == QUEUED
    assert sum(as_worker.dispatcher.depths().values()) == 1
    finish(as_worker, exchange.sid)
    assert len(exchange.callbacks) == 1


def test_a_late_duplicate_after_redis_was_wiped_is_still_known(accept, as_worker, redis_server):
    exchange = accept()
    finish(as_worker, exchange.sid)
    assert as_worker.states.knows(exchange.sid)
    redis_server.flushall()
    assert not as_worker.states.knows(exchange.sid)
    assert as_worker.intake_store.outcome(exchange.sid) is not None


def test_the_store_away_between_the_post_and_its_record(accept, as_worker, monkeypatch):
    """No process died, so the result must not be sent again."""
    exchange = accept()
    process.process(exchange.sid)
    real = IntakeStore.record_outcome

    def away(*args):
        raise StoreUnavailable("the store does not answer")

    monkeypatch.setattr(IntakeStore, "record_outcome", away)
    deliver(exchange.sid)
    deliver(exchange.sid)
    assert len(exchange.callbacks) == 1
    monkeypatch.setattr(IntakeStore, "record_outcome", real)
    deliver(exchange.sid)
    assert len(exchange.callbacks) == 1
    assert as_worker.intake_store.outcome(exchange.sid)["answer"] == "delivered"
    assert as_worker.states.get(exchange.sid).state == DONE


def test_one_unreadable_intake_record_does_not_hide_the_others(accept, as_worker, redis_server):
    """A record sealed under another key lies first in the listing."""
    as_worker.intake_store.store.put("intake/AA" + "0" * 32, [b"sealed under a key that is gone"])
    exchange = accept()
    redis_server.flushall()
    sweep(0.0)
    assert as_worker.states.get(exchange.sid).state == QUEUED
    finish(as_worker, exchange.sid)


@pytest.mark.parametrize("job", [process.process, deliver])
def test_a_request_that_cannot_be_opened_was_queued_again_for_ever_and_nobody_called(
    accept, as_worker, monkeypatch, job
):
    """INTAKE_KEY was changed while Redis knew the request; with the key back it goes on."""
    exchange = accept()
    if job is deliver:
        process.process(exchange.sid)
    with monkeypatch.context() as patch:
        another = RecordCipher([bytes(32)])
        patch.setattr(as_worker.intake_store, "_cipher", another)
        began = time.time()
        job(exchange.sid)
    entry = as_worker.states.get(exchange.sid)
    until = entry.work_at if job is process.process else entry.delivery_at
    assert until >= began + finalise.UNREADABLE_PAUSE_S
    assert as_worker.counters.read()[field(declarations.STUCK)] == 1
    assert as_worker.intake_store.is_waiting(exchange.sid)
    finish(as_worker, exchange.sid)
    assert len(exchange.callbacks) == 1


@pytest.mark.parametrize("first", [process.process, deliver])
def test_killed_between_sending_the_failure_that_was_due_and_its_record(
    accept, as_worker, killed, first
):
    """Nothing but the time says that it was sent: the work must not make another answer of it."""
    received = datetime.now(UTC) - timedelta(seconds=9)
    exchange = accept(duration=1.0, channels=2.0, received_at=received)
    killed(IntakeStore.record_outcome, deliver, exchange.sid)
    first(exchange.sid)
    finish(as_worker, exchange.sid)
    assert [each.document()["code"] for each in exchange.callbacks] == [61001, 61001]
    assert exchange.callbacks[0].body == exchange.callbacks[1].body


def test_a_result_that_is_not_archived_yet_is_not_sent_by_the_sweeper(accept, as_worker, killed):
    """It says that the recording is stored: only the commit makes that true."""
    exchange = accept(duration=1.0)
    killed(Deposit.commit, process.process, exchange.sid)
    sweep(20.0)
    deliver(exchange.sid)
    assert exchange.callbacks == []
    finish(as_worker, exchange.sid)
    assert exchange.callbacks[0].document()["status"] == "successful"


def test_a_store_that_is_away_does_not_use_up_the_tries(accept, as_worker, monkeypatch):
    exchange = accept()
    real = type(as_worker.intake_store.store).put

    def away(self: Store, key: str, *args, **kwargs):
        if key.startswith("recordings/"):
            raise StoreUnavailable("the store does not answer")
        return real(self, key, *args, **kwargs)

    monkeypatch.setattr(type(as_worker.intake_store.store), "put", away)
    for _ in range(10):
        process.process(exchange.sid)
    monkeypatch.setattr(type(as_worker.intake_store.store), "put", real)
    finish(as_worker, exchange.sid)
    assert exchange.callbacks[0].document()["status"] == "successful"


@pytest.mark.parametrize("own", [None, "RE" + "5d" * 16], ids=["request", "recording"])
def test_erased_while_its_delivery_waits(accept, as_worker, settings, market, own):
    """What was erased stays erased, and the request comes to its end."""
    exchange = accept(recording_sid=own)
    process.process(exchange.sid)
    market.answers = [503]
    deliver(exchange.sid)
    reader = Archive.from_settings(settings)
    reader.erase(INSTALL, own or exchange.sid, by="test", reason="asked")
    deliver(exchange.sid)
    sweep(0.0)
    process.process(exchange.sid)
    assert reader.list(INSTALL).entries == ()
    assert not as_worker.intake_store.is_waiting(exchange.sid)
    assert as_worker.states.get(exchange.sid).state != PROCESSED


def test_erased_between_archiving_as_received_and_keeping_the_failure(
    accept, as_worker, settings, killed
):
    exchange = accept(NOT_AUDIO, recording_sid="RE" + "5d" * 16)
    killed(IntakeStore.store_result, process.process, exchange.sid)
    reader = Archive.from_settings(settings)
    reader.erase(INSTALL, "RE" + "5d" * 16, by="test", reason="asked")
    finish(as_worker, exchange.sid)
    assert reader.list(INSTALL).entries == ()
    assert len(exchange.callbacks) == 1


def test_what_kills_even_its_archiving_is_answered_and_kept(accept, as_worker, killed):
    """The customer hears of it, and the bytes stay for a person to look at."""
    exchange = accept()
    for _ in range(process.LAST_TRY):
        killed(Deposit.audio, process.process, exchange.sid)
    assert exchange.callbacks == []
    process.process(exchange.sid)
    deliver(exchange.sid)
    assert exchange.callbacks[0].document()["code"] == 64404
    assert b"".join(as_worker.intake_store.open(exchange.sid).audio) == exchange.audio
    assert as_worker.states.get(exchange.sid).state == STUCK
    assert as_worker.counters.read()["addon_requests_stuck_total"] == 1
