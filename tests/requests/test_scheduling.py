"""The scheduling policy by itself, and that the queue on a real Redis does exactly what it says."""

from __future__ import annotations

import math

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.requests import scheduling
from addon.requests.queues import DeadlineQueue
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


@pytest.mark.parametrize("size", [1, 29, 4_000])
def test_no_deadline_comes_from_a_guess_of_less_than_a_second(size):
    assert scheduling.length(None, size, None) == Length(1.0, max(1.0, size / 1000))


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


def test_a_job_is_due_at_its_deadline_unless_that_is_missed_already():
    assert scheduling.due(NOW, 60, NOW) == NOW + 600
    assert scheduling.due(NOW, 60, NOW + 509) == NOW + 600
    assert scheduling.due(NOW, 60, NOW + 511) == scheduling.LAST
    assert scheduling.due(NOW, math.inf, NOW) == scheduling.LAST


@pytest.mark.parametrize(
    ("waiting", "mine", "at"),
    [([], 5, 0), ([1, 2, 3], 5, 3), ([1, 5, 5], 5, 3), ([1, 6, 7], 5, 1), ([6, 7], 5, 0)],
)
def test_a_job_waits_behind_what_is_due_no_later(waiting, mine, at):
    assert scheduling.place(waiting, mine) == at


def test_a_job_passes_so_many_and_no_more():
    assert scheduling.place([9] * 1000, 5) == 1000 - scheduling.LOOK_BACK


def test_a_late_job_passes_nobody():
    assert scheduling.place([scheduling.LAST] * 3, scheduling.LAST) == 3


@pytest.mark.parametrize(
    ("name", "waited", "pressure"),
    [("express", 3, 1), ("q60", 30, 1), ("qlong", 900, 0.5), ("deliver", 6, 2), ("q180", 0, 0)],
)
def test_pressure_is_the_wait_over_the_shortest_audio_of_the_queue(name, waited, pressure):
    assert scheduling.pressure(name, waited) == pressure


def test_only_those_that_serve_long_calls_step_back():
    stepping = {role for role, served in scheduling.ROLES.items() if scheduling.niceness(served)}
    assert stepping == {"general"}
    assert scheduling.niceness(["express", "q60"]) == 0


def names(dues: list[int]) -> list[str]:
    return [f"process-XR{number}-{due:08x}{number:08x}" for number, due in enumerate(dues)]


@settings(max_examples=40, deadline=None)
@given(dues=st.lists(st.integers(1, 12), max_size=30))
def test_the_queue_places_jobs_as_the_policy_says(queue, dues):
    queue.empty()
    expected: list[tuple[int, str]] = []
    for due, name in zip(dues, names(dues), strict=True):
        queue.push_job_id(name)
        expected.insert(scheduling.place([waiting for waiting, _ in expected], due), (due, name))
    assert queue.get_job_ids() == [name for _, name in expected]


def test_the_queue_looks_back_as_far_as_the_policy(queue):
    for name in names([9] * (scheduling.LOOK_BACK + 50)):
        queue.push_job_id(name)
    (urgent,) = names([5])
    queue.push_job_id(urgent)
    assert queue.get_job_ids().index(urgent) == 50


def test_a_job_of_another_form_waits_at_the_end(queue):
    for name in ("a", *names([1]), "b", "deliver-XR1-zzzzzzzz00000000"):
        queue.push_job_id(name)
    assert queue.get_job_ids()[0] == "a"
    assert queue.get_job_ids()[2:] == ["b", "deliver-XR1-zzzzzzzz00000000"]


@settings(max_examples=40, deadline=None)
@given(
    full=st.sets(st.sampled_from(scheduling.ALL_QUEUES)),
    role=st.sampled_from(sorted(scheduling.ROLES)),
)
def test_a_worker_takes_from_the_queue_that_the_policy_says(queue, full, role):
    connection = queue.connection
    connection.flushall()
    queues = [DeadlineQueue(name, connection=connection) for name in scheduling.ROLES[role]]
    for name in full:
        queue = DeadlineQueue(name, connection=connection)
        queue.enqueue_call("workers.process.process", args=("XR1",), job_id=f"process-XR1-{name}")
    taken = DeadlineQueue.dequeue_any(queues, None, connection)
    expected = scheduling.next_queue(scheduling.ROLES[role], full.__contains__)
    assert (taken and taken[1].name) == expected


@pytest.fixture(scope="module")
def queue(redis_url):
    with redis.Redis.from_url(redis_url) as connection:
        connection.ping()  # the connection is this fixture's, not the first test's
        yield DeadlineQueue("q60", connection=connection)


@pytest.fixture(autouse=True)
def empty(queue):
    queue.connection.flushall()
