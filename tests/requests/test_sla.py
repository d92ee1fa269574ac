"""The SLA's figures, by hand."""

from __future__ import annotations

import math

import pytest

from addon.errors import DeadlineMissed, UnreadableAudio
from addon.requests import sla
from tests.entries import finished


@pytest.mark.parametrize(
    ("seconds", "name"),
    [(0.0, "30s"), (30.0, "30s"), (30.1, "1m"), (600, "10m"), (1801, "longer"), (None, "unknown")],
)
def test_a_length_belongs_to_one_class(seconds, name):
    assert sla.length_class(seconds) == name


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50), (0.9, 90), (0.99, 99), (1.0, 100), (0.001, 1)]
)
def test_percentiles_are_values_that_were_there(share, expected):
    assert sla.percentile(list(range(1, 101)), share) == expected


def test_no_values_have_no_percentile():
    assert math.isnan(sla.percentile([], 0.5))


def test_rows_come_by_length_and_then_all():
    entries = [finished(3600), finished(3), finished(3, pace=4), finished(None)]
    assert [(row.length, row.requests) for row in sla.paces(entries)] == [
        ("30s", 2),
        ("longer", 1),
        ("unknown", 1),
        ("all", 4),
    ]


def test_no_requests_have_no_rows():
    assert sla.paces([]) == []


def test_each_limit_is_counted_from_its_own_border():
    entries = [finished(10, pace=pace) for pace in (0.1, 3.0, 3.1, 5.1, 9.9, 10.1)]
    everything = sla.paces(entries)[-1]
    assert everything.over == (4, 3, 1)
    assert everything.missed == 1
    assert everything.longest == pytest.approx(10.1)


def test_a_failure_for_the_deadline_is_a_miss_however_fast_it_came():
    assert sla.missed(finished(10, pace=8.5, code=DeadlineMissed.code))
    assert not sla.missed(finished(10, pace=8.5, code=UnreadableAudio.code))
    assert not sla.missed(finished(None))


@pytest.mark.parametrize(
    ("paces", "kept"),
    [([0.1] * 99 + [4.0], True), ([4.0] * 100, False), ([0.1] * 98 + [6.0] * 2, False)],
)
def test_a_class_is_kept_by_its_median_and_its_99th_percentile(paces, kept):
    assert sla.paces([finished(10, pace=pace) for pace in paces])[-1].kept is kept


def test_one_miss_is_one_too_many():
    entries = [finished(10) for _ in range(999)]
    assert sla.paces(entries)[-1].kept
    assert not sla.paces([*entries, finished(10, pace=11)])[-1].kept


def test_what_was_never_delivered_has_no_pace_but_is_counted():
    row = sla.paces([finished(10), finished(10, delivered_at=None, outcome="expired")])[-1]
    assert (row.requests, row.p50) == (2, pytest.approx(0.1))


def test_what_has_no_deadline_breaks_none():
    """A Flex recording may wait for its task for hours, and a backfill for days."""
    late = finished(10, pace=50, source="flex")
    assert not sla.missed(late)
    assert [row.requests for row in sla.paces([late, finished(10)])] == [1, 1]
