"""The failure that is due: sent without being stored, once, and never beside a result."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta

import pytest

from addon.archive.deposit import Deposit
from addon.errors import DeadlineMissed, UnreadableAudio
from addon.requests import sla
from addon.requests.lease import key, lease
from tests.calls import wav
from workers import handlers, late_answer, process
from workers.deliver import deliver

LATE = {"received_at": datetime(2026, 1, 1, tzinfo=UTC), "duration": 1.0, "channels": 2.0}


@pytest.fixture
def due_since_it_was_archived(monkeypatch):
    """The answer is due from the moment on at which a job has written its recording."""
    began = [math.inf]
    real = Deposit.audio

    def audio(*arguments):
        done = real(*arguments)
        began[0] = time.time()
        return done

    monkeypatch.setattr(Deposit, "audio", audio)
    monkeypatch.setattr(late_answer, "is_due", lambda _request, moment: moment >= began[0])


def codes(exchange) -> list[int | None]:
    return [each.document()["code"] for each in exchange.callbacks]


def test_it_is_due_at_a_multiple_of_the_longest_that_the_recording_can_be(accept, as_worker):
    now = datetime.now(UTC)
    exchange = accept(duration=2.0, channels=2.0, received_at=now)
    request = handlers.read(as_worker.intake_store.open(exchange.sid))
    answer_by = (now + timedelta(seconds=17)).timestamp()
    assert late_answer.is_due(request, answer_by)
    assert not late_answer.is_due(request, answer_by - 0.1)


def test_it_is_never_due_for_an_unknown_length(accept, as_worker):
    exchange = accept(by_url=True, received_at=LATE["received_at"])
    deliver(exchange.sid)
    assert exchange.callbacks == []


def test_what_is_no_recording_is_answered_as_such_and_misses_no_deadline(accept, as_worker):
    exchange = accept(b"<html><title>Not found</title></html>", **LATE)
    deliver(exchange.sid)
    process.process(exchange.sid)
    assert codes(exchange) == [UnreadableAudio.code]
    entry = as_worker.states.get(exchange.sid)
    assert (entry.state, entry.code, sla.missed(entry)) == ("done", UnreadableAudio.code, False)


@pytest.mark.parametrize("steps", [(deliver, process.process), (process.process, deliver)])
def test_what_turns_out_to_be_no_recording_counts_as_such(accept, as_worker, steps):
    """Its first bytes do not tell: it was answered that there was no time."""
    exchange = accept(bytes(range(256)) * 20, **LATE)
    for step in steps:
        step(exchange.sid)
    assert codes(exchange) == [DeadlineMissed.code]
    entry = as_worker.states.get(exchange.sid)
    assert (entry.state, entry.code, sla.missed(entry)) == ("done", UnreadableAudio.code, False)


def test_a_text_of_some_bytes_has_no_deadline(accept, as_worker):
    exchange = accept(b"This is no recording at all!\n", received_at=LATE["received_at"])
    deliver(exchange.sid)
    assert exchange.callbacks == []
    process.process(exchange.sid)
    deliver(exchange.sid)
    assert codes(exchange) == [UnreadableAudio.code]


def test_its_remedy_does_not_call_archived_what_is_not_yet(accept, as_worker):
    exchange = accept(**LATE)
    deliver(exchange.sid)
    [answer] = exchange.callbacks
    assert "is archived;" not in answer.document()["message"]
    assert "goes on" in answer.document()["message"]


def test_it_is_sent_once_without_being_stored_and_the_recording_is_archived(accept, as_worker):
    exchange = accept(**LATE)
    deliver(exchange.sid)
    assert as_worker.intake_store.stored_result(exchange.sid) is None
    assert as_worker.intake_store.is_waiting(exchange.sid)
    deliver(exchange.sid)
    process.process(exchange.sid)
    deliver(exchange.sid)
    assert codes(exchange) == [DeadlineMissed.code]
    assert as_worker.states.get(exchange.sid).state == "done"
    assert not as_worker.intake_store.is_waiting(exchange.sid)


def test_with_a_job_at_work_the_store_says_which_answer_came_first(accept, as_worker):
    exchange = accept(**LATE)
    with lease(as_worker.redis, "process", exchange.sid):
        deliver(exchange.sid)
    kept = as_worker.intake_store.stored_result(exchange.sid)
    assert kept is not None
    assert (kept.answer["code"], kept.final) == (DeadlineMissed.code, False)
    assert codes(exchange) == [DeadlineMissed.code]


def test_a_job_that_began_in_time_keeps_its_result(accept, as_worker, due_since_it_was_archived):
    exchange = accept(wav(1.0))
    process.process(exchange.sid)
    deliver(exchange.sid)
    assert codes(exchange) == [None]


def test_a_job_that_had_lost_its_lease_keeps_the_failure(
    accept, as_worker, due_since_it_was_archived, monkeypatch
):
    """While it was gone, the failure may have been sent."""
    exchange = accept(wav(1.0))
    real = Deposit.compare

    def lose(*arguments):
        as_worker.redis.delete(key("process", exchange.sid))
        real(*arguments)

    monkeypatch.setattr(Deposit, "compare", lose)
    process.process(exchange.sid)
    deliver(exchange.sid)
    assert codes(exchange) == [DeadlineMissed.code]
