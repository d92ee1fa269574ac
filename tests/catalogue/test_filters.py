"""Filters and orders as an address says them: what is none is refused by its name."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.catalogue import FIGURES, Filter, Range, Sort
from addon.catalogue.filters import _MANY, _PARSERS
from addon.errors import InvalidParameter

WHOLE = [
    ("install", "XD1"),
    ("call_sid", "CA1"),
    ("since", "2026-03-01T08:00:00+00:00"),
    ("until", "2026-03-02T08:00:00+00:00"),
    ("q", "anna"),
    ("number", "+1 415 555 0123"),
    ("agent", "Anna Müller"),
    ("queue", "~0123456789abcdef"),
    ("words", "refund please"),
    ("direction", "inbound"),
    ("outcome", "done"),
    ("source", "flex"),
    ("state", "failed"),
    ("code", "64401"),
    ("flag", "dead_air"),
    ("flag", "clipping"),
    ("category", "notice=found"),
    ("longest_silence_seconds_over", "20"),
    ("longest_silence_seconds_under", "60.5"),
]


def test_a_filter_comes_back_from_its_own_parameters():
    parsed = Filter.parse(WHOLE)
    assert parsed.parameters() == WHOLE
    assert {name for name, _ in WHOLE} >= {*_PARSERS, *_MANY}
    assert parsed.ranges == (Range("longest_silence_seconds", 20.0, 60.5),)
    assert not parsed.is_empty


def test_what_is_no_filter_is_passed_over():
    assert Filter.parse([("page", "2"), ("cursor", "x"), ("q", "  "), ("sort", "time")]).is_empty


def test_a_moment_without_a_zone_is_utc():
    assert Filter.parse([("since", "2026-03-01")]).since == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("since", "yesterday"),
        ("until", "0001-01-01T00:00:00+23:59"),
        ("number", "123"),
        ("words", "no 42"),
        ("direction", "up"),
        ("state", "fine"),
        ("code", "-1"),
        ("flag", "a b"),
        ("install", "../x"),
        ("q", "x" * 201),
        ("q", "a\x00b"),
        ("hold_seconds_over", "much"),
        ("hold_seconds_under", "inf"),
    ],
)
def test_a_fault_is_refused_with_its_name(name, text):
    with pytest.raises(InvalidParameter, match=f"^{name}: "):
        Filter.parse([(name, text)])


@pytest.mark.parametrize("text", ["time", "-time", *FIGURES, *(f"-{name}" for name in FIGURES)])
def test_every_order_comes_back(text):
    assert str(Sort.parse(text)) == text


def test_the_usual_order_is_latest_first_and_another_is_refused():
    assert Sort.parse(None) == Sort.parse("-time")
    with pytest.raises(InvalidParameter, match=r"^sort: "):
        Sort.parse("recording_id; DROP TABLE recordings")


@given(st.lists(st.tuples(st.sampled_from([name for name, _ in WHOLE]), st.text(max_size=30))))
def test_any_text_is_a_filter_or_refused(parameters):
    with suppress(InvalidParameter):
        Filter.parse(parameters)
