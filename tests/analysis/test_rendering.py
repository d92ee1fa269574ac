"""How single figures are written."""

import pytest

from addon.analysis.rendering import decimal, explained, pairs


def test_intervals_have_three_decimals():
    assert pairs([(0.1 + 0.2, 1.23456)]) == [[0.3, 1.235]]
    assert pairs([]) == []


@pytest.mark.parametrize(("value", "written"), [(None, None), (-20.04, -20.0), (-20.06, -20.1)])
def test_decibels(value, written):
    assert decimal(value) == written


def test_a_reason_follows_its_null():
    document = {"first": None, "second": 1, "third": None}
    written = explained(document, {"first": "Why.", "second": "Not this one."})
    assert written == {"first": None, "first_reason": "Why.", "second": 1, "third": None}
    assert list(written)[:2] == ["first", "first_reason"]
    assert document == {"first": None, "second": 1, "third": None}
