"""The selection of the next job: in time first, Moore and Hodgson's rule, and the reserves."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.requests import scheduling, selection
from addon.requests.scheduling import EXPRESS, PERIODIC, RECORDING_QUEUES, ROLES
from addon.requests.selection import CREDIT_S, FAILURE_S, FAILURES, LATE, LONGER, Backlog, Choice

NOW = 1_800_000_000.0
GENERAL = ROLES["general"]
SECOND = [1.0] * selection.SAMPLES
"""Service times of a second each."""


def backlog(owed: dict[str, float] | None = None, **left: list[float]) -> Backlog:
    """Queues with jobs that have so many seconds left; each takes a second, none is in flight."""
    due = {queue: sorted(NOW + each for each in seconds) for queue, seconds in left.items()}
    lengths = {queue: [6.0] * len(seconds) for queue, seconds in left.items()}
    return Backlog(due, lengths, {}, dict.fromkeys(RECORDING_QUEUES, SECOND), owed or {})


def take(found: Backlog, role: str = "general") -> Choice | None:
    return selection.take(ROLES[role], found, NOW)


@pytest.mark.parametrize(
    ("waiting", "mine", "at"),
    [([], 5, 0), ([1, 2, 3], 5, 3), ([1, 5, 5], 5, 3), ([1, 6, 7], 5, 1), ([6, 7], 5, 0)],
)
def test_a_job_waits_behind_what_is_due_no_later(waiting, mine, at):
    assert selection.place(waiting, mine) == at


def test_the_earliest_deadline_goes_first_while_all_can_be_in_time():
    assert take(backlog(express=[10.0, 20.0, 30.0])) == Choice(EXPRESS, 0, late=False)


def test_a_job_that_cannot_be_in_time_is_not_begun_before_one_that_can():
    assert take(backlog(express=[-5.0, 1.9, 2.1])) == Choice(EXPRESS, 2, late=False)
    assert take(backlog(express=[-5.0], q60=[100.0])) == Choice("q60", 0, late=False)


def test_late_jobs_are_done_oldest_first_when_nothing_else_waits():
    found = backlog(express=[-1.0], q60=[-7.0, -2.0], backfill=[0.0], errands=[0.0])
    assert take(found) == Choice("q60", 0, late=True)


def test_so_many_are_left_out_that_the_others_are_in_time():
    """A second each: of four jobs due in five seconds with a delivery of one, none is left out;
    of five, the last is the fifth to end, and one is left out."""
    assert take(backlog(express=[5.0] * 4)) == Choice(EXPRESS, 0, late=False)
    assert take(backlog(express=[5.0] * 5)) == Choice(EXPRESS, 1, late=False)


def test_with_more_processes_at_work_fewer_are_left_out():
    found = backlog(express=[5.0] * 10)
    found.in_flight[EXPRESS] = 1
    assert take(found) == Choice(EXPRESS, 2, late=False)


def test_where_many_have_to_be_left_out_one_of_the_shortest_is_taken():
    """Of twenty due in nine seconds, eight can be done."""
    found = backlog(express=[9.0] * 20)
    assert take(found) == Choice(EXPRESS, 19, late=False), "the last of equal ones has most time"
    found.lengths[EXPRESS][4] = found.lengths[EXPRESS][9] = 2.0
    assert take(found) == Choice(EXPRESS, 9, late=False)


def test_of_a_long_queue_some_are_looked_at_from_its_first_part_to_its_last():
    lengths = [6.0] * 1000
    lengths[30:62] = [2.0] * 32
    assert selection.shortest_of_some(lengths, 0) == 31
    assert 30 <= selection.shortest_of_some(lengths, 29) < 62
    assert selection.shortest_of_some([6.0] * 10, 9) == 9


def test_what_says_no_length_goes_behind_what_does():
    found = backlog(express=[9.0] * 20)
    found.lengths[EXPRESS] = [60.0, *[math.inf] * 19]
    assert take(found) == Choice(EXPRESS, 0, late=False)


def test_a_short_queue_goes_before_a_longer_one():
    assert take(backlog(qlong=[9000.0], q60=[400.0], express=[80.0])).queue == EXPRESS


class TestForecast:
    def test_it_is_what_nine_in_ten_of_the_latest_took(self):
        samples = [number / 10 for number in range(1, 33)]
        assert selection.service_time(EXPRESS, samples) == 2.8

    @pytest.mark.parametrize("outliers", [1, 2, 3])
    def test_a_few_outliers_change_nothing(self, outliers):
        samples = [0.2] * (selection.SAMPLES - outliers) + [300.0] * outliers
        assert selection.service_time(EXPRESS, samples) == 0.2

    @pytest.mark.parametrize("queue", RECORDING_QUEUES)
    def test_with_few_samples_it_is_the_default(self, queue):
        default = selection.service_time(queue, [])
        assert selection.service_time(queue, [99.0] * (selection.LEAST_SAMPLES - 1)) == default
        assert 0 < default < 60

    def test_a_wait_is_the_work_in_front_over_the_processes_at_it(self):
        assert selection.forecast_wait(EXPRESS, 30, 3, SECOND) == 10.0
        assert selection.forecast_wait(EXPRESS, 30, 0, SECOND) == 30.0
        assert selection.forecast_wait("deliver", 30, 3, []) == 0.0


class TestReserves:
    def test_what_is_owed_to_late_jobs_is_paid_before_others_are_begun(self):
        found = backlog({LATE: 0.1}, express=[-5.0, 50.0])
        assert take(found) == Choice(EXPRESS, 0, late=True)
        found.owed[LATE] = 0.0
        assert take(found) == Choice(EXPRESS, 1, late=False)

    def test_a_periodic_task_has_a_part_in_the_reserve(self):
        found = backlog({LATE: 0.1}, express=[-5.0, 50.0], errands=[0.0])
        assert take(found) == Choice(PERIODIC, 0, late=True)

    def test_an_urgent_long_call_is_begun_before_voicemails(self):
        urgent = selection.URGENT_LEFT * scheduling.shortest("qlong")
        found = backlog({LONGER: 0.1}, express=[50.0], qlong=[urgent])
        assert take(found) == Choice("qlong", 0, late=False)
        assert take(backlog({LONGER: 0.0}, express=[50.0], qlong=[urgent])).queue == EXPRESS
        assert take(backlog({LONGER: 0.1}, express=[50.0], qlong=[urgent + 1])).queue == EXPRESS

    def test_the_queue_with_the_least_left_over_its_shortest_audio_is_the_most_urgent(self):
        found = backlog({LONGER: 0.1}, q60=[90.0], qlong=[3600.0])
        assert take(found).queue == "qlong"

    def test_the_process_for_short_clips_takes_no_long_call(self):
        assert take(backlog({LONGER: 1.0, LATE: 1.0}, qlong=[100.0, -5.0]), "express") is None

    def test_time_with_others_is_owed_in_part_and_time_with_its_own_is_paid(self):
        owed = selection.charge({}, EXPRESS, 2.0, late=False)
        assert owed == pytest.approx({LONGER: 0.4, LATE: 0.1, FAILURES: 0.04})
        assert selection.charge(owed, EXPRESS, 3.0, late=True)[LATE] == pytest.approx(-2.9)
        assert selection.charge(owed, "qlong", 3.0, late=False)[LONGER] == pytest.approx(-2.6)

    @given(st.lists(st.tuples(st.sampled_from(RECORDING_QUEUES), st.booleans(), st.floats(0, 500))))
    def test_nothing_is_saved_up_and_no_debt_lasts(self, jobs):
        owed: dict[str, float] = {}
        for queue, late, seconds in jobs:
            owed = selection.charge(owed, queue, seconds, late=late)
        for reserve, each in owed.items():
            assert -selection.DEBT_S[reserve] <= each <= selection.CREDIT_S


@given(
    left=st.dictionaries(
        st.sampled_from(scheduling.ALL_QUEUES),
        st.lists(st.floats(-1e4, 1e5), max_size=30),
    ),
    owed=st.dictionaries(st.sampled_from(sorted(selection.SHARES)), st.floats(-60, 1)),
    role=st.sampled_from(sorted(ROLES)),
)
def test_a_process_takes_a_job_of_its_queues_exactly_if_there_is_one(left, owed, role):
    found = backlog(owed, **left)
    taken = take(found, role)
    assert (taken is None) == (not any(left.get(queue) for queue in ROLES[role]))
    if taken is not None:
        assert taken.queue in ROLES[role]
        assert 0 <= taken.index < len(left[taken.queue])


class TestFailuresThatAreDue:
    def test_they_are_sent_at_once_while_nothing_waits_that_can_be_in_time(self):
        for found in (backlog(), backlog(express=[-5.0, 1.9]), backlog(backfill=[9e9])):
            assert selection.failures_to_send(found, NOW, 0) == int(CREDIT_S / FAILURE_S)

    def test_otherwise_their_reserve_pays_for_each(self):
        for queue in RECORDING_QUEUES:
            for owed in (0.0, -1.0, FAILURE_S / 2):
                found = backlog({FAILURES: owed}, **{queue: [-5.0, 50.0]})
                assert selection.failures_to_send(found, NOW, 0) == 0
            found = backlog({FAILURES: 3.5 * FAILURE_S}, **{queue: [-5.0, 50.0]})
            assert selection.failures_to_send(found, NOW, 0) == 3

    def test_what_waits_to_be_sent_already_is_counted(self):
        most = int(CREDIT_S / FAILURE_S)
        assert selection.failures_to_send(backlog(), NOW, most - 1) == 1
        assert selection.failures_to_send(backlog(), NOW, most + 9) == 0

    def test_those_of_an_idle_hour_are_not_paid_for_in_the_next_overload(self):
        owed = selection.charge({FAILURES: -50.0}, EXPRESS, 1.0, late=False)
        assert owed[FAILURES] >= 0.0
