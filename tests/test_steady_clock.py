"""The clock of deadlines: a step of the wall clock makes nothing late and nothing old."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from addon.steady_clock import STEP_S, SteadyClock, now

DAY = 86_400.0


class Times:
    """A wall clock and the seconds that pass."""

    def __init__(self) -> None:
        self.wall = 1_000_000.0
        self.elapsed = 50.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.elapsed += seconds


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def clock(times: Times) -> SteadyClock:
    return SteadyClock(lambda: times.wall, lambda: times.elapsed)


def test_after_a_step_forward_it_goes_on_as_before(times, clock) -> None:
    times.pass_by(100.0)
    times.wall += DAY
    times.pass_by(10.0)
    assert clock.now() == 1_000_110.0


def test_after_a_step_back_it_is_no_later_than_the_wall_clock(times, clock) -> None:
    times.wall -= DAY
    times.pass_by(10.0)
    assert clock.now() == times.wall


def test_a_clock_that_is_corrected_little_by_little_is_followed(times, clock) -> None:
    for _ in range(10):
        times.pass_by(100.0)
        times.wall += STEP_S / 2
        assert clock.now() == times.wall


def test_a_step_is_one_alarm(times, clock) -> None:
    times.wall += DAY
    with capture_logs() as logs:
        clock.now()
        clock.now()
    assert [(line["alarm"], line["seconds"]) for line in logs] == [(True, DAY)]


def test_a_process_has_one(monkeypatch) -> None:
    before = now()
    assert now() >= before
