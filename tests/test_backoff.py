from __future__ import annotations

from datetime import UTC, datetime

import pytest

from addon import backoff

NOW = datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC)


def test_a_pause_doubles_from_one_second_to_one_minute() -> None:
    assert [backoff.pause(n) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff.pause(10_000) == 60


def test_its_first_and_its_longest_can_be_given() -> None:
    pauses = [backoff.pause(n, first_s=0.2, longest_s=1) for n in (1, 2, 3, 4)]
    assert pauses == [0.2, 0.4, 0.8, 1]


def test_jitter_leaves_a_share_of_it_to_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(4 < backoff.pause(4, jitter=0.5) <= 8 for _ in range(100))
    assert len({backoff.pause(4, jitter=0.5) for _ in range(100)}) > 1
    monkeypatch.setattr("random.random", lambda: 0.0)
    assert backoff.pause(4, jitter=0.5) == 8


def test_the_hosts_own_retry_after_is_the_least() -> None:
    assert backoff.pause(1, 30, jitter=0.5) == 30
    assert backoff.pause(7, 2) == 60


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("0", 0),
        (" 30 ", 30),
        ("999999999999999999999", 3600),
        ("Wed, 04 Mar 2026 10:15:40 GMT", 10),
        ("Wed, 04 Mar 2026 10:15:40", 10),
        ("Wed, 04 Mar 2026 10:00:00 GMT", 0),
        ("Wed, 04 Mar 2027 10:15:30 GMT", 3600),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert backoff.retry_after({} if value is None else {"Retry-After": value}, NOW) == seconds


@pytest.mark.parametrize("ours", ["2026-03-04T09:17:30Z", "2026-03-04T11:17:30Z"])
def test_a_date_in_it_does_not_depend_on_our_clock(ours: str) -> None:
    headers = {
        "Date": "Wed, 04 Mar 2026 10:15:30 GMT",
        "Retry-After": "Wed, 04 Mar 2026 10:15:32 GMT",
    }
    assert backoff.retry_after(headers, datetime.fromisoformat(ours)) == 2


def test_a_date_header_that_cannot_be_read_leaves_our_clock() -> None:
    headers = {"Date": "today", "Retry-After": "Wed, 04 Mar 2026 10:15:40 GMT"}
    assert backoff.retry_after(headers, NOW) == 10
