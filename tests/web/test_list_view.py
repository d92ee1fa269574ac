"""Views of the list: what an address says and what is written again."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from addon.catalogue.filters import Range, Sort
from addon.catalogue.tables import FIGURES
from addon.errors import InvalidParameter, NotFound
from addon.vault import Vault
from addon.web import searches
from addon.web.list_view import ListView

VAULT = Vault(("secret of a test",), "cookies")
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)
"""Already the fifth in Berlin."""


def parsed(query: str) -> ListView:
    return ListView.parse(MultiDict(parse_qsl(query, keep_blank_values=True)), VAULT)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "install=XD1&sort=-longest_silence_seconds",
        "agent=~00000000000000ab&queue=~&flag=clipped&flag=low_snr&category=refund",
        "longest_silence_seconds_over=20&interruptions_over=5&interruptions_under=9",
        "from=2026-03-01&to=2026-03-04&zone=Europe/Berlin",
        "period=yesterday",
        "q=RE12ab",
    ],
)
def test_what_an_address_says_is_written_again(query):
    view = parsed(query)
    assert parsed(urlencode(view.query())) == view
    assert set(parse_qsl(query)) == set(view.query())


@given(
    figures=st.lists(st.sampled_from(FIGURES), unique=True, max_size=3),
    numbers=st.lists(st.integers(0, 5000), min_size=3, max_size=3),
    period=st.sampled_from(["", "today", "30d"]),
    rising=st.booleans(),
)
def test_any_view_survives_its_address(figures, numbers, period, rising):
    view = ListView(period=period, sort=Sort("hold_seconds", not rising))
    for figure, number in zip(figures, numbers, strict=False):
        view = view.limited(Range(figure, over=float(number)))
    assert parsed(urlencode(view.query())) == view


def test_empty_fields_of_a_form_are_no_conditions():
    assert parsed("from=&to=&install=&sort=&hold_seconds_over=&flag=") == ListView()


def test_the_addresses_of_older_releases_still_work():
    view = parsed("day=2026-03-04&call=CA1")
    assert (view.first, view.last, view.filter.call_sid) == (
        date(2026, 3, 4),
        date(2026, 3, 4),
        "CA1",
    )


@pytest.mark.parametrize(
    "query", ["day=tomorrow", "from=x", "period=ever", "s=abc", "to=2026-02-30"]
)
def test_an_address_of_nothing_is_not_found(query):
    with pytest.raises(NotFound):
        parsed(query)


@pytest.mark.parametrize("query", ["hold_seconds_over=x", "sort=luck", "install=..", "since=x"])
def test_a_parameter_of_no_form_is_refused(query):
    with pytest.raises(InvalidParameter):
        parsed(query)


def test_a_search_is_in_the_address_but_not_in_the_clear():
    view = parsed(urlencode({"s": searches.encrypted("+49 30 1234", VAULT)}))
    assert view.filter.text == "+49 30 1234"
    assert "1234" not in urlencode(view.query())
    assert parsed(urlencode(view.query())).filter.text == "+49 30 1234"
    assert view.where(text=None) == ListView()


@pytest.mark.parametrize(
    ("query", "zone", "days"),
    [
        ("period=today", BERLIN, ("2026-03-05", "2026-03-05")),
        ("period=today", UTC, ("2026-03-04", "2026-03-04")),
        ("period=yesterday", BERLIN, ("2026-03-04", "2026-03-04")),
        ("period=7d", UTC, ("2026-02-26", "2026-03-04")),
        ("period=30d", UTC, ("2026-02-03", "2026-03-04")),
        ("from=2026-03-01", UTC, ("2026-03-01", "None")),
    ],
)
def test_a_period_is_of_the_viewers_days(query, zone, days):
    assert tuple(map(str, parsed(query).days(zone, NIGHT))) == days


@pytest.mark.parametrize("viewer", [UTC, BERLIN, ZoneInfo("America/Lima")])
def test_dates_mean_the_same_to_every_viewer(viewer):
    wanted = parsed("from=2026-03-29&to=2026-03-29&zone=Europe/Berlin").wanted(viewer, NIGHT)
    assert wanted.since == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert wanted.until == datetime(2026, 3, 29, 22, tzinfo=UTC)  # the clocks went forward
    wanted = parsed("day=2026-03-04").wanted(viewer, NIGHT)
    assert (wanted.since, wanted.until) == (
        datetime(2026, 3, 4, tzinfo=UTC),
        datetime(2026, 3, 5, tzinfo=UTC),
    )


@pytest.mark.parametrize("query", ["day=9999-12-31", "day=0001-01-01&zone=Asia/Tokyo"])
def test_a_day_that_no_clock_has_is_not_found_or_empty(query):
    view = parsed(query)
    try:
        view.wanted(UTC, NIGHT)
    except NotFound:
        return


def test_dates_and_a_period_exclude_each_other():
    view = parsed("period=7d&from=2026-03-01&to=2026-03-02")
    assert view.period == "" and view.first == date(2026, 3, 1)
    assert view.within("today").query() == [("period", "today")]
    assert dict(view.within("today").on(None, date(2026, 3, 1), "UTC").query()) == {
        "to": "2026-03-01"
    }


def test_one_of_many_conditions_is_left_out():
    view = parsed("flag=a&flag=b&hold_seconds_over=1&crosstalk_seconds_under=2")
    assert dict(view.without("flags", "a").query())["flag"] == "b"
    changed: Any = view.limited(Range("hold_seconds")).filter.ranges
    assert [one.figure for one in changed] == ["crosstalk_seconds"]
