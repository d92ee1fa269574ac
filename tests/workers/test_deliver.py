"""Delivery: once, to allowed hosts, with the right credentials, for as long as it makes sense."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from addon.errors import CallbackUnavailable
from addon.requests.scheduling import REDELIVER
from addon.requests.state import ANSWERED, QUEUED, WAITING
from addon.steady_clock import SteadyClock
from tests.web.requests import INSTALL
from workers import process
from workers.deliver import deliver
from workers.sweeper import Sweeper


@pytest.fixture
def processed(accept):
    def one(**changes):
        exchange = accept(**changes)
        process.process(exchange.sid)
        return exchange

    return one


def outcome(services, exchange) -> str:
    return services.intake_store.outcome(exchange.sid)["answer"]


def test_it_is_sent_once_however_often_the_job_runs(processed, as_worker):
    exchange = processed()
    for _ in range(4):
        deliver(exchange.sid)
    assert len(exchange.callbacks) == 1
    assert outcome(as_worker, exchange) == "delivered"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_a_busy_callback_is_tried_again(processed, as_worker, market, status):
    exchange = processed()
    market.answers = [status]
    deliver(exchange.sid)
    entry = as_worker.states.get(exchange.sid)
    assert (entry.delivery, entry.deliveries) == (WAITING, 1)
    assert entry.delivery_at > time.time()
    assert as_worker.intake_store.is_waiting(exchange.sid)
    deliver(exchange.sid)
    assert len(exchange.callbacks) == 1


def test_wrong_credentials_are_tried_again_because_a_person_may_mend_them(
    processed, as_worker, market
):
    exchange = processed()
    market.answers = [401, 401]
    deliver(exchange.sid)
    assert as_worker.states.get(exchange.sid).delivery == WAITING


class SteppedClock:
    """The time module of one module, by which it is some seconds later."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def time(self) -> float:
        return time.time() + self.seconds


@pytest.mark.parametrize("wrong_by", [120.0, 3600.0, 86_400.0])
def test_a_clock_that_was_wrong_does_not_put_a_try_off(
    processed, as_worker, market, monkeypatch, wrong_by
):
    exchange = processed()
    market.answers = [503]
    with monkeypatch.context() as patch:
        patch.setattr("addon.requests.state.time", SteppedClock(wrong_by))
        deliver(exchange.sid)
    assert as_worker.states.get(exchange.sid).delivery_at > time.time() + wrong_by
    Sweeper(as_worker).sweep()
    assert as_worker.states.get(exchange.sid).delivery == QUEUED
    assert as_worker.dispatcher.depths()[REDELIVER] == 1


def test_a_clock_that_was_wrong_does_not_put_the_work_off(accept, as_worker, monkeypatch):
    exchange = accept()
    with monkeypatch.context() as patch:
        patch.setattr("addon.requests.state.time", SteppedClock(3600.0))
        as_worker.states.wait_for_work(exchange.sid, 5.0)
    Sweeper(as_worker).sweep()
    assert as_worker.states.get(exchange.sid).state == QUEUED


def test_a_clock_that_steps_forward_expires_no_result(processed, as_worker, market, monkeypatch):
    """It steps while the callback happens to be down; the try after that is taken."""
    exchange = processed()
    market.answers = [503]
    clock = SteadyClock()
    with monkeypatch.context() as patch:
        patch.setattr("addon.steady_clock._of_process", lambda: clock)
        patch.setattr(clock, "_wall", lambda: time.time() + 86_400.0)
        deliver(exchange.sid)
    assert as_worker.states.get(exchange.sid).delivery == WAITING
    deliver(exchange.sid)
    assert as_worker.intake_store.outcome(exchange.sid)["answer"] == "delivered"


def test_a_pause_that_the_host_asked_for_is_kept(processed, as_worker, monkeypatch):
    exchange = processed()

    def busy(*_):
        raise CallbackUnavailable("busy", retry_after=500.0)

    monkeypatch.setattr("workers.marketplace.MarketplaceHandler.send", busy)
    deliver(exchange.sid)
    for after in (0.0, 100.0, 400.0):
        Sweeper(as_worker, clock=lambda after=after: time.time() + after).sweep()
        assert as_worker.states.get(exchange.sid).delivery == WAITING
    Sweeper(as_worker, clock=lambda: time.time() + 501.0).sweep()
    assert as_worker.states.get(exchange.sid).delivery == QUEUED


def test_a_pause_that_the_release_before_wrote_is_kept(processed, as_worker, market):
    exchange = processed()
    market.answers = [503]
    deliver(exchange.sid)
    at = time.time() + 300.0
    as_worker.states.mark(exchange.sid, delivery_at=at, delivery_pause=None)
    as_worker.states.look_again(exchange.sid, 0.0)
    Sweeper(as_worker).sweep()
    assert as_worker.states.get(exchange.sid).delivery == WAITING


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_a_closed_callback_is_given_up(processed, as_worker, market, status):
    exchange = processed()
    market.answers = [status]
    deliver(exchange.sid)
    assert outcome(as_worker, exchange) == "refused"
    assert not as_worker.intake_store.is_waiting(exchange.sid)


def test_a_callback_elsewhere_is_never_called(processed, as_worker):
    exchange = processed(callback="https://evil.example.com/steal")
    deliver(exchange.sid)
    assert outcome(as_worker, exchange) == "refused"
    assert exchange.callbacks == []


def test_a_redirect_is_never_followed_with_credentials(processed, as_worker, market):
    exchange = processed()
    market.answers = [302]
    deliver(exchange.sid)
    assert outcome(as_worker, exchange) == "refused"


def test_no_callback_means_the_result_stays_in_the_archive(processed, as_worker):
    exchange = processed(callback="")
    deliver(exchange.sid)
    assert outcome(as_worker, exchange) == "skipped"
    assert not as_worker.intake_store.is_waiting(exchange.sid)


def test_it_is_given_up_when_twilio_has_long_given_up(processed, as_worker, market):
    exchange = processed(received_at=datetime.now(UTC) - timedelta(hours=2))
    market.answers = [503]
    deliver(exchange.sid)
    assert outcome(as_worker, exchange) == "expired"


def test_a_crash_before_the_record_sends_again_and_never_computes_again(
    processed, as_worker, monkeypatch
):
    exchange = processed()
    with monkeypatch.context() as patch:
        patch.setattr(type(as_worker.intake_store), "record_outcome", _killed)
        with pytest.raises(SystemError):
            deliver(exchange.sid)
    deliver(exchange.sid)
    assert len(exchange.callbacks) == 2
    assert exchange.callbacks[0].body == exchange.callbacks[1].body


def test_a_crash_after_the_record_never_sends_again(processed, as_worker, monkeypatch):
    exchange = processed()
    with monkeypatch.context() as patch:
        patch.setattr(type(as_worker.intake_store), "remove", _killed)
        with pytest.raises(SystemError):
            deliver(exchange.sid)
    as_worker.redis.flushall()
    deliver(exchange.sid)
    assert len(exchange.callbacks) == 1
    assert not as_worker.intake_store.is_waiting(exchange.sid)


def test_a_delivery_that_comes_before_the_answer_waits(accept, as_worker):
    exchange = accept()
    deliver(exchange.sid)
    assert exchange.callbacks == []
    assert as_worker.intake_store.is_waiting(exchange.sid)


def test_two_deliveries_at_once_send_one(processed, as_worker):
    from addon.requests.lease import lease

    exchange = processed()
    with lease(as_worker.redis, "deliver", exchange.sid):
        deliver(exchange.sid)
    assert exchange.callbacks == []
    deliver(exchange.sid)
    assert len(exchange.callbacks) == 1


@pytest.mark.parametrize(
    ("styles", "multipart"),
    [
        ({"": "json"}, False),
        ({"": "multipart"}, True),
        ({"": "json", INSTALL: "multipart"}, True),
        ({"": "multipart", INSTALL: "json"}, False),
        ({"": "json", "XD" + "44" * 16: "multipart"}, False),
    ],
)
def test_an_install_gets_its_result_in_the_style_that_is_set(
    processed, as_worker, monkeypatch, styles, multipart
):
    exchange = processed()
    styled = as_worker.settings.replace(callback_style=styles)
    changed = replace(as_worker, settings=styled)
    monkeypatch.setattr("workers.services._made", {os.getpid(): changed})
    deliver(exchange.sid)
    (callback,) = exchange.callbacks
    kind = "multipart/form-data" if multipart else "application/json"
    assert callback.content_type.partition(";")[0] == kind
    assert callback.form().get("request_sid") == (exchange.sid if multipart else None)
    assert callback.document()["request_sid"] == exchange.sid
    assert callback.document()["result"]["audio"]["duration_seconds"] == 1.0


def test_answered_is_recorded_in_the_ledger(processed, as_worker):
    exchange = processed()
    deliver(exchange.sid)
    entry = as_worker.states.get(exchange.sid)
    assert entry.delivery == ANSWERED
    assert entry.delivered_at >= entry.received_at
    assert entry.pace is not None


def _killed(*_args, **_kwargs):
    raise SystemError("killed here")
