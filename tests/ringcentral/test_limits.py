"""Never more than RingCentral allows, whoever asks and wherever a minute begins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from addon.errors import QueueUnavailable, RingCentralUnavailable
from addon.ringcentral.limits import PER_MINUTE, UNSAID_PAUSE_S, Limits, pause_of


@dataclass
class Said:
    """The part of an answer that limits look at."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    retry_after: float | None = None


@pytest.fixture
def limits(redis_server, clock):
    return Limits(redis_server, clock)


def wait_for(limits, user="u", group="Heavy"):
    with pytest.raises(RingCentralUnavailable) as raised:
        limits.take(user, group)
    return raised.value.retry_after


@pytest.mark.parametrize("group", sorted(PER_MINUTE))
def test_a_group_has_its_number_in_a_minute_and_no_more(limits, group):
    for _ in range(PER_MINUTE[group]):
        limits.take("u", group)
    assert wait_for(limits, group=group) == pytest.approx(60)


def test_no_sixty_seconds_hold_more_than_ten_wherever_they_begin(limits, clock):
    taken = []
    for _ in range(600):
        clock.now += 0.7
        try:
            limits.take("u", "Heavy")
        except RingCentralUnavailable:
            continue
        taken.append(clock.now)
    assert len(taken) > 60
    assert all(later - earlier >= 60 for earlier, later in zip(taken, taken[10:], strict=False))


def test_the_wait_that_is_named_is_enough(limits, clock):
    for _ in range(10):
        limits.take("u", "Heavy")
        clock.now += 1
    clock.now += wait_for(limits)
    limits.take("u", "Heavy")


def test_users_and_groups_are_counted_apart(limits):
    for _ in range(10):
        limits.take("u", "Heavy")
    limits.take("other", "Heavy")
    limits.take("u", "Medium")
    assert wait_for(limits) > 0


def test_threads_together_get_no_more(redis_server, clock):
    def try_one(_):
        try:
            Limits(redis_server, clock).take("u", "Heavy")
        except RingCentralUnavailable:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_one, range(40))) == 10


def test_the_numbers_in_an_answer_are_believed(limits, clock):
    limits.take("u", "Heavy")
    said = {"X-Rate-Limit-Limit": "3", "X-Rate-Limit-Remaining": "2", "X-Rate-Limit-Window": "20"}
    limits.learn("u", "Heavy", Said(headers=said))
    limits.take("u", "Heavy")
    limits.take("u", "Heavy")
    assert wait_for(limits) == pytest.approx(20)


def test_numbers_are_filed_under_the_group_that_the_answer_names(limits):
    limits.learn(
        "u", "Heavy", Said(headers={"X-Rate-Limit-Group": "light", "X-Rate-Limit-Limit": "1"})
    )
    limits.take("u", "Light")
    assert wait_for(limits, group="Light") == pytest.approx(60)
    for _ in range(10):
        limits.take("u", "Heavy")


def test_a_pause_holds_for_the_group_that_is_named_and_for_the_one_asked_in(limits):
    limits.learn("u", "Heavy", Said(429, {"X-Rate-Limit-Group": "Medium"}, retry_after=9.0))
    for group in ("Heavy", "Medium"):
        assert wait_for(limits, group=group) == pytest.approx(9)
    limits.take("u", "Light")
    limits.learn("v", "Heavy", Said(429, {"X-Rate-Limit-Group": "Unheard-of"}, retry_after=9.0))
    assert wait_for(limits, user="v") == pytest.approx(9)


def test_nothing_remaining_means_wait(limits, clock):
    limits.learn("u", "Heavy", Said(headers={"X-Rate-Limit-Remaining": "0"}))
    assert wait_for(limits) == pytest.approx(60)
    clock.now += 61
    limits.take("u", "Heavy")


def test_429_is_obeyed_as_it_says(limits, clock):
    limits.learn("u", "Heavy", Said(429, retry_after=95.0))
    assert wait_for(limits) == pytest.approx(95)
    clock.now += 94
    assert wait_for(limits) == pytest.approx(1)
    clock.now += 1.1
    limits.take("u", "Heavy")


def test_429_without_a_word_waits_long_enough(limits, clock):
    limits.learn("u", "Heavy", Said(429))
    assert wait_for(limits) == pytest.approx(UNSAID_PAUSE_S)
    clock.now += UNSAID_PAUSE_S - 1
    assert wait_for(limits) > 0


def test_a_pause_is_never_shortened(limits):
    limits.pause("u", "Heavy", 90)
    limits.pause("u", "Heavy", 5)
    assert wait_for(limits) == pytest.approx(90)


def test_the_pause_after_429():
    assert pause_of(Said(429, retry_after=7.0)) == 7.0
    assert pause_of(Said(429)) == UNSAID_PAUSE_S


@pytest.mark.parametrize("text", ["", "many", "-3", "0", "1e9", "9999999999999"])
def test_a_limit_that_is_no_number_changes_nothing(limits, text):
    limits.learn("u", "Heavy", Said(headers={"X-Rate-Limit-Limit": text}))
    for _ in range(10):
        limits.take("u", "Heavy")
    assert wait_for(limits) > 0


def test_without_redis_nothing_is_asked(no_redis):
    with pytest.raises(QueueUnavailable):
        Limits(no_redis).take("u", "Heavy")
