"""The first delivery, where the result was computed: once, and never in the next job's way."""

from __future__ import annotations

import threading
import time

import pytest

from tests.calls import wav
from workers import first_delivery, process
from workers.deliver import deliver
from workers.first_delivery import AT_ONCE
from workers.sweeper import Sweeper


@pytest.fixture(autouse=True)
def enabled(monkeypatch):
    """This process delivers, as a warm one does, and has ended what it began."""
    monkeypatch.setattr(first_delivery, "_deliver", deliver)
    monkeypatch.setattr(first_delivery, "_threads", [])
    yield
    first_delivery.wait(60.0)


@pytest.fixture
def gate(monkeypatch):
    """Deliveries end when it is set."""
    opened = threading.Event()
    monkeypatch.setattr(first_delivery, "_deliver", lambda *_: opened.wait(60.0))
    yield opened
    opened.set()


@pytest.fixture
def sweep_later(as_worker):
    """Sweeps as a minute later."""
    return lambda: Sweeper(as_worker, lambda: time.time() + 60.0).sweep()


def test_a_result_is_delivered_and_finished_without_a_second_job(accept, as_worker):
    exchange = accept(wav(1.0))
    process.process(exchange.sid)
    first_delivery.wait(60.0)
    assert [each.document()["status"] for each in exchange.callbacks] == ["successful"]
    assert as_worker.dispatcher.depths()["deliver"] == 0
    assert not as_worker.intake_store.is_waiting(exchange.sid)


def test_a_callback_that_fails_is_asked_again_later_by_the_queue(accept, as_worker, market):
    exchange = accept(wav(1.0))
    market.answers = [503]
    process.process(exchange.sid)
    first_delivery.wait(60.0)
    state = as_worker.states.get(exchange.sid)
    assert (state.delivery, state.deliveries) == ("waiting", 1)
    assert as_worker.intake_store.is_waiting(exchange.sid)


def test_no_more_than_so_many_are_under_way_and_others_are_queued(accept, as_worker, gate):
    sids = [accept(wav(1.0)).sid for _ in range(AT_ONCE + 2)]
    for sid in sids:
        first_delivery.begin(as_worker, sid)
    assert first_delivery.running() == AT_ONCE
    assert as_worker.dispatcher.depths()["deliver"] == 2
    gate.set()
    first_delivery.wait(60.0)
    assert first_delivery.running() == 0


def test_elsewhere_a_delivery_is_queued(accept, as_worker, monkeypatch):
    monkeypatch.setattr(first_delivery, "_deliver", None)
    exchange = accept(wav(1.0))
    process.process(exchange.sid)
    assert exchange.callbacks == []
    assert as_worker.dispatcher.depths()["deliver"] == 1


def test_one_that_is_left_in_the_middle_is_queued_by_the_sweeper(
    accept, as_worker, monkeypatch, sweep_later
):
    def without_redis(*_: object) -> None:
        raise ConnectionError("Redis does not answer")

    monkeypatch.setattr(first_delivery, "_deliver", without_redis)
    exchange = accept(wav(1.0))
    process.process(exchange.sid)
    first_delivery.wait(60.0)
    sweep_later()
    assert as_worker.dispatcher.depths()["deliver"] == 1
