"""The queue, the deadlines and the time limit of a recording."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.requests import scheduling
from addon.requests.scheduling import Length

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("seconds", "name"),
    [
        (0, "express"),
        (30, "express"),
        (30.01, "q60"),
        (180, "q180"),
        (600, "q600"),
        (1800, "q1800"),
        (1801, "qlong"),
        (math.inf, "qlong"),
    ],
)
def test_a_length_has_one_queue(seconds, name):
    assert scheduling.queue_for(seconds) == name


@pytest.mark.parametrize(
    ("declared", "size", "channels", "estimate"),
    [
        (4, 117_868, 2, 4),  # seconds, as the first partner's sample sends them
        (6000, 192_044, 2, 6),  # milliseconds, as the second's documentation says
        (3600, 115_200_044, 2, 3600),
        (3_600_000, 115_200_044, 2, 3600),
        (None, 320_044, 2, 10.0),
        (None, 160_044, None, 10.0),
    ],
)
def test_the_bytes_decide_between_seconds_and_milliseconds(declared, size, channels, estimate):
    assert scheduling.length(declared, size, channels).estimate == pytest.approx(estimate, rel=0.01)


@pytest.mark.parametrize(("size", "longest"), [(1, None), (29, None), (999, None), (4_000, 4.0)])
def test_no_deadline_comes_from_a_guess_of_less_than_a_second(size, longest):
    assert scheduling.length(None, size, None) == Length(1.0, longest)


def test_without_bytes_the_lane_is_the_shorter_reading_and_the_deadline_the_longer():
    assert scheduling.length(6000, None, None) == Length(6.0, 6000)


@pytest.mark.parametrize("declared", [None, 0, -1])
def test_without_anything_the_length_is_unknown(declared):
    assert scheduling.length(declared, None, None) == Length(scheduling.UNKNOWN_S, None)


@given(
    declared=st.none() | st.floats(-10, 1e9, allow_nan=False),
    size=st.none() | st.integers(0, 10**10),
    channels=st.none() | st.integers(0, 8),
)
def test_whatever_is_declared_there_is_a_lane_and_a_deadline(declared, size, channels):
    guess = scheduling.length(declared, size, channels)
    assert guess.estimate >= 0
    assert guess.longest is None or guess.longest >= 0
    assert scheduling.queue_for(guess.estimate) in scheduling.RECORDING_QUEUES
    assert scheduling.JOB_FLOOR_S <= scheduling.job_timeout(guess.estimate) <= scheduling.LONGEST_S


def test_the_answer_comes_before_the_deadline_and_the_first_look_no_later():
    for seconds in (1.0, 30.0, 3600.0):
        assert (
            scheduling.answer_by(NOW, seconds)
            < scheduling.deadline(NOW, seconds)
            == NOW + 10 * seconds
        )
        assert scheduling.first_look(NOW, seconds, NOW) <= scheduling.answer_by(NOW, seconds)
    assert scheduling.first_look(NOW, None, NOW) == NOW + scheduling.LOOK_S


def test_express_is_served_by_a_process_of_its_own_and_by_all_others_first():
    assert scheduling.ROLES["express"] == (scheduling.EXPRESS,)
    assert (
        scheduling.ROLES["general"][: len(scheduling.SIZE_CLASSES)] == scheduling.RECORDING_QUEUES
    )


def test_every_lane_is_served():
    assert {queue for served in scheduling.ROLES.values() for queue in served} == set(
        scheduling.ALL_QUEUES
    )


def test_a_job_is_due_when_a_failure_would_be_its_answer():
    assert scheduling.due(NOW, 60) == NOW + 510
    assert scheduling.due(NOW, math.inf) == scheduling.LAST


@pytest.mark.parametrize(
    ("name", "waited", "pressure"),
    [("express", 3, 1), ("q60", 30, 1), ("qlong", 900, 0.5), ("deliver", 6, 2), ("q180", 0, 0)],
)
def test_pressure_is_the_wait_over_the_shortest_audio_of_the_queue(name, waited, pressure):
    assert scheduling.pressure(name, waited) == pressure


def test_only_jobs_of_long_calls_step_back():
    stepping = {queue for queue in scheduling.ALL_QUEUES if scheduling.niceness(queue)}
    assert stepping.isdisjoint({"express", "q60"})
    assert stepping >= {"q180", "q600", "q1800", "qlong", "backfill", "errands"}
