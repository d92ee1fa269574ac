from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.errors import InvocationExpired
from addon.twilio.moments import SKEW, check_age, parse_moment, parse_number

MOMENT = datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-04T10:15:30Z",
        "2026-03-04T10:15:30",
        "2026-03-04 10:15:30",
        "2026-03-04T11:15:30+01:00",
        "2026-03-04T02:15:30-0800",
        "20260304T101530Z",
        " Wed, 04 Mar 2026 10:15:30 +0000 ",
        "Wed, 04 Mar 2026 10:15:30 GMT",
        "Wed, 04 Mar 2026 10:15:30 -0000",
        "1772619330",
        "1772619330.0",
        "1772619330000",
    ],
)
def test_every_plausible_format_is_read(text: str) -> None:
    assert parse_moment(text) == MOMENT


@pytest.mark.parametrize(
    "text", ["", "yesterday", "-5", "nan", "1e308", "9" * 400, "0000-00-00", "Wed"]
)
def test_what_is_no_moment_is_none(text: str) -> None:
    assert parse_moment(text) is None


@given(st.text())
def test_no_text_makes_it_raise(text: str) -> None:
    assert parse_moment(text) is None or parse_moment(text).tzinfo is UTC  # type: ignore[union-attr]
    assert parse_number(text) is None or parse_number(text) >= 0  # type: ignore[operator]


def test_the_skew_is_granted_on_both_sides() -> None:
    check_age(MOMENT, 60, MOMENT - SKEW)
    check_age(MOMENT, 60, MOMENT + SKEW + timedelta(seconds=60))
    with pytest.raises(InvocationExpired, match="future"):
        check_age(MOMENT, 60, MOMENT - SKEW - timedelta(seconds=1))
    with pytest.raises(InvocationExpired, match="passed"):
        check_age(MOMENT, 60, MOMENT + SKEW + timedelta(seconds=61))


def test_without_a_date_or_a_ttl_nothing_expires() -> None:
    check_age(None, 0, MOMENT)
    check_age(MOMENT, None, MOMENT + timedelta(days=1000))
