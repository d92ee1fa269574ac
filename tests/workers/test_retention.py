"""Erasing by age: what is old goes, in turns, and what is young or locked stays."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from addon.errors import NotStored
from tests.web.requests import INSTALL
from workers import process, retention
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
    swept = Retention(replace(as_worker, settings=as_worker.settings.replace(retention_days=30)))
    assert swept.step() == 1
    assert not exists(as_worker, old)
    assert exists(as_worker, young)
    assert as_worker.archive.tombstone(INSTALL, old)["by"] == "retention"


def test_without_a_limit_nothing_goes(archived, as_worker):
    old = archived(400)
    assert Retention(as_worker).step() == 0
    assert exists(as_worker, old)


def test_it_goes_in_turns_and_rests_afterwards(archived, as_worker, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(3):
        archived(40)
    ahead = [0.0]
    settings = as_worker.settings.replace(retention_days=30)
    swept = Retention(replace(as_worker, settings=settings), lambda: time.time() + ahead[0])
    assert [swept.step() for _ in range(3)] == [2, 1, 0]
    late = archived(40)
    assert swept.step() == 0
    ahead[0] = EVERY_S + 1
    assert swept.step() == 1
    assert not exists(as_worker, late)
