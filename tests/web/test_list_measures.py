"""Measures: known to the catalogue, and written for people."""

from __future__ import annotations

import pytest

from addon.catalogue.tables import FIGURES
from addon.web.list_measures import MEASURES


def test_every_measure_is_a_figure_of_the_catalogue():
    assert set(MEASURES) <= set(FIGURES)


@pytest.mark.parametrize(
    ("figure", "value", "text"),
    [
        ("hold_seconds", 0.0, "0 s"),
        ("hold_seconds", 9.25, "9.2 s"),
        ("hold_seconds", 61.0, "1:01"),
        ("talk_ratio_agent", 0.625, "62 %"),
        ("interruptions", 3.0, "3"),
        ("customer_sentiment", -0.5, "-0.50"),
    ],
)
def test_a_value_is_written_with_its_unit(figure, value, text):
    assert MEASURES[figure].text(value) == text


@pytest.mark.parametrize("figure", MEASURES)
def test_what_is_not_known_is_no_zero(figure):
    assert MEASURES[figure].text(None) == "unknown"
