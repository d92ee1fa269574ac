"""Erasing by age: what is old goes, in turns, and what is young or locked stays."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from addon.archive.configured import control_signer
from addon.errors import NotStored, StoreUnavailable
from addon.metrics import declarations
from addon.metrics.counters import field
from addon.requests import acceptance
from addon.requests.intake_store import KIND
from addon.requests.lease import lease
from addon.requests.measures import count_finished
from tests.web.requests import INSTALL
from workers import handlers, process, retention
from workers.retention import EVERY_S, Retention

DAY_S = 24 * 3600


@pytest.fixture
def archived(accept, as_worker):
    def one(days: int) -> str:
        exchange = accept(received_at=datetime.now(UTC) - timedelta(days=days), duration=None)
        process.process(exchange.sid)
        return exchange.sid

    return one


def exists(services, name: str) -> bool:
    try:
        services.archive.manifest(INSTALL, name)
    except NotStored:
        return False
    return True


def test_what_is_old_goes_and_what_is_young_stays(archived, as_worker):
    old, young = archived(40), archived(10)
    swept = Retention(
        replace(as_worker, settings=as_worker.settings.replace(retention_days={"": 30}))
    )
    assert swept.step() == 1
    assert not exists(as_worker, old)
    assert exists(as_worker, young)
    assert as_worker.archive.tombstone(INSTALL, old)["by"] == "retention"


def test_an_install_has_days_of_its_own_or_never_ends(archived, accept, as_worker):
    kept = archived(40)
    settings = as_worker.settings.replace(retention_days={"": 30, INSTALL: None})
    open_request = accept()
    later = time.time() + 41 * DAY_S
    assert Retention(replace(as_worker, settings=settings), lambda: later).step() == 0
    assert exists(as_worker, kept)
    assert as_worker.intake_store.is_waiting(open_request.sid)
    settings = as_worker.settings.replace(retention_days={INSTALL: 30})
    assert Retention(replace(as_worker, settings=settings)).step() == 1
    assert not exists(as_worker, kept)


def test_without_a_limit_nothing_goes(archived, as_worker):
    old = archived(400)
    assert Retention(as_worker).step() == 0
    assert exists(as_worker, old)


def test_it_goes_in_turns_and_rests_afterwards(archived, as_worker, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(3):
        archived(40)
    ahead = [0.0]
    settings = as_worker.settings.replace(retention_days={"": 30})
    swept = Retention(replace(as_worker, settings=settings), lambda: time.time() + ahead[0])
    assert [swept.step() for _ in range(3)] == [2, 1, 0]
    late = archived(40)
    assert swept.step() == 0
    ahead[0] = EVERY_S + 1
    assert swept.step() == 1
    assert not exists(as_worker, late)


class TestIntakes:
    """What a request that never ended has left in the intake goes by age too, and not before."""

    @pytest.fixture
    def swept(self, as_worker):
        """A sweep of RETENTION_DAYS, as many days from now as a test says."""

        def sweep(days_from_now: float, *, keep: int = 30) -> int:
            services = replace(
                as_worker, settings=as_worker.settings.replace(retention_days={"": keep})
            )
            return Retention(services, lambda: time.time() + days_from_now * DAY_S).step()

        return sweep

    @pytest.fixture
    def given_up(self, accept, as_worker) -> str:
        """A request whose recording ended every worker that took it."""
        exchange = accept()
        for _ in range(process.LAST_TRY):
            as_worker.states.begin_attempt(exchange.sid, 0.0)
        process.process(exchange.sid)
        assert as_worker.states.get(exchange.sid).state == "stuck"
        return str(exchange.sid)

    def test_what_was_given_up_goes_when_it_is_due(self, given_up, as_worker, swept):
        assert swept(29.9) == 0
        assert as_worker.intake_store.is_waiting(given_up)
        assert swept(30.1) == 1
        assert not as_worker.intake_store.is_waiting(given_up)
        assert as_worker.intake_store.stored_result(given_up) is None
        assert list(as_worker.store.list("intake/")) == []

    def test_it_is_counted_and_its_outcome_stays(self, given_up, as_worker, swept):
        swept(31)
        count_finished(as_worker.states, as_worker.counters)
        counted = as_worker.counters.read()
        assert counted[field(declarations.INTAKES_ERASED)] == 1
        assert counted[field(declarations.FINISHED, "erased")] == 1
        assert as_worker.intake_store.outcome(given_up)["reason"] == "older than 30 days"
        assert as_worker.states.get(given_up).state == "done"

    def test_a_late_duplicate_of_it_is_known_after_redis_was_lost(self, given_up, as_worker, swept):
        request = handlers.read(as_worker.intake_store.open(given_up))
        swept(31)
        as_worker.redis.flushall()
        assert not acceptance.accept(as_worker.intake_store, as_worker.dispatcher, request)
        assert not as_worker.intake_store.is_waiting(given_up)

    def test_a_record_that_nobody_can_read_goes_too(self, as_worker, swept):
        as_worker.store.put("intake/XRunreadable", [b"sealed under another key"])
        assert swept(29.9) == 0
        assert swept(30.1) == 1
        assert not as_worker.intake_store.is_waiting("XRunreadable")

    def test_one_day_to_keep_is_no_reason_to_lose_what_is_within_its_deadline(
        self, accept, as_worker, swept
    ):
        waiting = accept()
        assert swept(1.5, keep=1) == 0
        assert as_worker.intake_store.is_waiting(waiting.sid)
        assert swept(2.1, keep=1) == 1

    def test_a_recording_longer_than_twilio_makes_has_its_own_deadline(
        self, accept, as_worker, swept
    ):
        hours_18 = accept()
        as_worker.states.mark(hours_18.sid, longest=18 * 3600.0)
        assert swept(7, keep=1) == 0
        assert as_worker.intake_store.is_waiting(hours_18.sid)
        assert swept(8, keep=1) == 1

    def test_what_a_worker_has_in_hand_stays(self, given_up, as_worker, swept):
        with lease(as_worker.redis, "process", given_up) as held:
            assert held is not None
            assert swept(31) == 0
        assert as_worker.intake_store.is_waiting(given_up)
        assert swept(31) == 1

    def test_without_a_limit_it_stays(self, given_up, as_worker):
        assert Retention(as_worker, lambda: time.time() + 400 * DAY_S).step() == 0
        assert as_worker.intake_store.is_waiting(given_up)

    def test_a_store_that_was_away_does_not_end_the_sweep(self, given_up, as_worker, monkeypatch):
        services = replace(as_worker, settings=as_worker.settings.replace(retention_days={"": 30}))
        sweep = Retention(services, lambda: time.time() + 31 * DAY_S)

        def away(*_args, **_kwargs):
            raise StoreUnavailable("the store does not answer")

        with monkeypatch.context() as patch:
            patch.setattr(type(as_worker.store), "list", away)
            with pytest.raises(StoreUnavailable):
                sweep.step()
        assert sweep.step() == 1

    def test_an_outcome_of_a_newer_release_stays_as_it_is(self, given_up, as_worker, swept):
        key, document = f"requests/{given_up}", {"version": 99, "answer": "sung"}
        newer = control_signer(as_worker.settings).sign(KIND, key, document)
        as_worker.store.put(key, [newer], if_absent=False)
        assert swept(31) == 1
        assert as_worker.store.get(f"requests/{given_up}") == newer
        assert not as_worker.intake_store.is_waiting(given_up)


def test_a_recording_whose_manifest_is_no_good_does_not_keep_the_others(archived, as_worker):
    bad, good = archived(41), archived(40)
    key = f"recordings/{INSTALL}/{bad}/manifest.json"
    as_worker.store.put(key, [b"{}"], if_absent=False)
    swept = Retention(
        replace(as_worker, settings=as_worker.settings.replace(retention_days={"": 30}))
    )
    assert swept.step() == 1
    assert not exists(as_worker, good)
    assert as_worker.store.stat(key) is not None
