"""The additions of a finished request to the metrics."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from addon.errors import DeadlineMissed
from addon.metrics import declarations
from addon.metrics.counters import Counters
from addon.requests.measures import (
    COUNT_S,
    FinishedCounting,
    additions,
    count_finished,
    stages,
)
from addon.requests.state import BATCH, RequestStates
from tests.entries import finished

OWN = {"sid", "state", "outcome", "finished_at"}
"""Fields that `RequestStates.finish` writes itself."""


def test_a_finished_request_is_counted_once(redis_server):
    counters = Counters(redis_server)
    entry, states = finished(3600, pace=0.01), RequestStates(redis_server)
    facts = {name: value for name, value in asdict(entry).items() if name not in OWN}
    states.finish(entry.sid, "delivered", **facts)
    count_finished(states, counters)
    once = counters.read()
    states.finish(entry.sid, "delivered")
    count_finished(states, counters)
    assert counters.read() == once
    assert once["addon_requests_finished_total|delivered"] == 1
    assert once["addon_audio_seconds_total|longer"] == 3600


def test_finished_requests_are_counted_together_however_many(redis_server):
    counters, states = Counters(redis_server), RequestStates(redis_server)
    for number in range(BATCH + 1):
        states.finish(f"XR{number}", "delivered", code=61001)
    count_finished(states, counters)
    assert counters.read()["addon_requests_finished_total|delivered"] == BATCH + 1
    assert counters.read()["addon_failures_total|61001"] == BATCH + 1


def test_they_are_counted_at_once_and_then_every_so_often(redis_server, monkeypatch):
    counters, states = Counters(redis_server), RequestStates(redis_server)
    counting = FinishedCounting(states, counters)
    now = [1000.0]
    monkeypatch.setattr("addon.requests.measures.time.monotonic", lambda: now[0])
    counts = []
    for number, seconds in enumerate((0.0, COUNT_S - 1.0, 1.0)):
        now[0] += seconds
        states.finish(f"XR{number}", "delivered")
        counting.step()
        counts.append(counters.read()["addon_requests_finished_total|delivered"])
    assert counts == [1, 1, 3]


def test_a_failure_says_its_code_and_a_miss_its_length():
    added = additions(finished(10, pace=8.6, code=DeadlineMissed.code))
    assert added["addon_failures_total|61001"] == 1
    assert added["addon_deadline_misses_total|30s"] == 1


def test_a_success_is_neither():
    names = {name.partition("|")[0] for name in additions(finished(10))}
    assert not names & {declarations.FAILURES.name, declarations.MISSES.name}


def test_the_stages_add_up_to_the_whole():
    entry = finished(100, pace=2)
    assert sum(stages(entry).values()) == pytest.approx(entry.elapsed)
    assert set(stages(entry)) == {"queue", "processing", "delivery"}


def test_a_stage_that_never_was_is_left_out():
    assert set(stages(finished(10, archived_at=None))) == {"queue"}
    assert stages(finished(10, received_at=0.0, started_at=None)) == {
        "delivery": pytest.approx(stages(finished(10))["delivery"])
    }


def test_no_label_names_a_request_or_a_tenant():
    entry = finished(10, tenant="XD" + "2" * 32)
    assert not [name for name in additions(entry) if entry.sid in name or entry.tenant in name]


def test_the_pace_of_what_has_no_deadline_is_not_counted():
    added = additions(finished(10, pace=50, source="flex"))
    names = {name.partition("|")[0] for name in added}
    assert not names & {declarations.PACE.name, declarations.MISSES.name}
    assert added["addon_audio_seconds_total|30s"] == 10
