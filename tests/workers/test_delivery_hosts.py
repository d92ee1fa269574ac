"""Places for sends to callback hosts: who fails or is slow never takes a good host's."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers import delivery_hosts as limits
from workers.delivery_hosts import HostLimits, Place


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Sending:
    """Sends that begin and end as a test says; none ever waits."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.limits = HostLimits(self.clock)
        self.under_way: list[tuple[str, Place, ExitStack]] = []

    def begin(self, host: str, *, first: bool = True) -> Place:
        stack = ExitStack()
        place = stack.enter_context(self.limits.place(host, first=first, patience=0))
        if place.pause:
            stack.close()
        else:
            self.under_way.append((host, place, stack))
        return place

    def fill(self, host: str, *, first: bool = True) -> int:
        """Begin sends until there is no place left; gives their number."""
        number = 0
        while not self.begin(host, first=first).pause:
            number += 1
        return number

    def end(self, index: int = 0, *, taken: bool | None = True) -> None:
        _, place, stack = self.under_way.pop(index)
        place.taken = taken
        stack.close()

    def send(self, host: str, *, taken: bool = True, seconds: float = 0.1, times: int = 1) -> None:
        for _ in range(times):
            assert not self.begin(host).pause
            self.clock.now += seconds
            self.end(-1, taken=taken)


@pytest.fixture
def sending() -> Sending:
    return Sending()


def test_a_host_that_takes_results_has_many_places(sending):
    sending.send("good")
    assert sending.fill("good") == limits.HOST_SENDS


def test_a_host_that_fails_has_few(sending):
    sending.send("failing", taken=False, times=limits.FAILURES)
    assert sending.fill("failing") == limits.SLOW_HOST_SENDS


def test_a_host_that_takes_results_late_has_few(sending):
    sending.send("late", seconds=limits.SLOW_S + 1, times=limits.FAILURES)
    assert sending.fill("late") == limits.SLOW_HOST_SENDS


def test_a_host_that_stays_silent_has_few_before_its_first_send_has_ended(sending):
    for _ in range(limits.FAILURES):
        sending.begin("silent")
    sending.clock.now += limits.SLOW_S + 1
    assert sending.fill("silent") == limits.SLOW_HOST_SENDS - limits.FAILURES


def test_some_failures_among_successes_are_no_reason(sending):
    for _ in range(limits.REMEMBERED):
        sending.send("good", times=2)
        sending.send("good", taken=False)
    assert sending.fill("good") == limits.HOST_SENDS


def test_a_few_successes_in_a_row_redeem_a_host(sending):
    sending.send("mended", taken=False, times=limits.REMEMBERED)
    sending.send("mended", times=limits.FAILURES)
    assert sending.fill("mended") == limits.HOST_SENDS


def test_what_ended_without_an_answer_of_the_host_says_nothing(sending):
    for _ in range(limits.FAILURES):
        sending.begin("good")
        sending.end(taken=None)
    assert sending.fill("good") == limits.HOST_SENDS


def test_results_that_were_sent_before_leave_places_to_new_ones(sending):
    sending.send("good")
    assert sending.fill("good", first=False) == limits.HOST_SENDS // 2
    assert not sending.begin("good", first=True).pause


def test_a_good_host_has_places_however_many_names_are_silent(sending):
    sending.send("good")
    for number in range(limits.SENDS):
        sending.fill(f"silent-{number}")
    assert sending.fill("good") == limits.HOST_SENDS
    sending.clock.now += limits.SLOW_S + 1
    assert sending.begin("silent-again").pause


def test_all_slow_hosts_together_leave_places_to_new_ones(sending):
    for number in range(limits.SLOW_SENDS):
        sending.send(f"failing-{number}", taken=False, times=limits.FAILURES)
    taken = sum(sending.fill(f"failing-{number}") for number in range(limits.SLOW_SENDS))
    assert taken == limits.SLOW_SENDS
    assert not sending.begin("new").pause


def test_those_without_a_place_come_back_one_after_another(sending):
    sending.send("slow", taken=False, seconds=20.0, times=limits.FAILURES)
    sending.fill("slow")
    pauses = [sending.begin("slow").pause for _ in range(200)]
    assert pauses == sorted(pauses)
    assert 5.0 <= pauses[0] <= 20.0
    assert pauses[-1] == limits.LONGEST_PAUSE_S


def test_a_stranger_cannot_fill_the_memory_with_names(sending):
    for number in range(3 * limits.KNOWN_HOSTS):
        sending.send(f"host-{number}", taken=False)
    assert len(sending.limits._hosts) == limits.KNOWN_HOSTS


def test_names_without_number_do_not_push_out_a_good_host(sending):
    sending.send("good")
    sending.begin("at-work")
    for number in range(3 * limits.KNOWN_HOSTS):
        sending.send(f"host-{number}", taken=False)
    assert {"good", "at-work"} <= set(sending.limits._hosts)
    sending.end(0)


HOSTS = [f"host-{number}" for number in range(8)]


@given(
    st.lists(
        st.tuples(st.integers(0, 7), st.booleans(), st.sampled_from([0.01, 1.0, 6.0])),
        max_size=300,
    )
)
def test_no_order_of_sends_goes_beyond_the_limits(steps):
    sending = Sending()
    for number, begins, seconds in steps:
        if begins:
            sending.begin(HOSTS[number])
        elif sending.under_way:
            sending.end(number % len(sending.under_way), taken=seconds < 1.0)
        sending.clock.now += seconds
        assert len(sending.under_way) <= limits.SENDS
        for each in HOSTS:
            assert sum(h == each for h, *_ in sending.under_way) <= limits.HOST_SENDS
    while sending.under_way:
        sending.end()
    assert sending.fill(HOSTS[0]) >= limits.SLOW_HOST_SENDS
