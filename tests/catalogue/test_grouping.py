"""Sums: over what is known alone, by the viewer's days, and with an example for each name."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from addon.catalogue import Filter
from addon.catalogue.grouping import date_of
from tests.catalogue.recordings import MONO, ONE, OTHER, manifest, put, sid


def test_sums_are_of_what_is_known(catalogue):
    put(catalogue, 1, hold={"total_seconds": 4.0})
    catalogue.write([catalogue.row(manifest(2, channels=1), MONO)])
    catalogue.write([catalogue.row(manifest(3), None)])
    catalogue.write([catalogue.row(manifest(4, analysis=None), None, 64401)])
    (group,) = catalogue.totals(Filter(), [ONE])
    sums = group.totals
    assert (sums.recordings, sums.analysed, sums.failed, sums.unknown) == (4, 2, 1, 1)
    assert sums.sums["duration_seconds"] == 120.0
    assert sums.analysed_seconds == 60.0
    assert sums.two_party_seconds == 30.0
    assert sums.sums["hold_seconds"] == 4.0
    assert sums.known == {
        "duration_seconds": 4,
        "agent_talk_seconds": 1,
        "customer_talk_seconds": 1,
        "crosstalk_seconds": 1,
        "silence_seconds": 2,
        "hold_seconds": 2,
        "interruptions": 1,
    }
    assert (sums.timed, sums.in_time, sums.too_late) == (2, 2, 0)


def test_nothing_has_sums_that_are_unknown_and_not_zero(catalogue):
    (group,) = catalogue.totals(Filter(), [ONE])
    assert group.totals.recordings == 0
    assert set(group.totals.sums.values()) == {None}


def test_days_are_the_viewers_also_where_clocks_change(catalogue):
    """Hours after 2026-03-01 08:00 UTC; Berlin's clocks go forward on 29 March at 01:00 UTC."""
    before = 28 * 24 - 10  # 2026-03-28 22:30 UTC is 23:30 there
    for number in (before, before + 1, before + 25, before + 24):
        put(catalogue, number)
    berlin = catalogue.totals(Filter(), [ONE], by="day", zone=ZoneInfo("Europe/Berlin"))
    assert [(group.key, group.totals.recordings) for group in berlin] == [
        (date(2026, 3, 28), 1),
        (date(2026, 3, 29), 1),
        (date(2026, 3, 30), 2),
    ]
    utc = catalogue.totals(Filter(), [ONE], by="day")
    assert [group.totals.recordings for group in utc] == [2, 2]


def test_names_are_groups_with_an_example_and_no_name_is_one_too(catalogue):
    put(catalogue, 1, call={"agent": "Anna"})
    put(catalogue, 2, call={"agent": "ANNA"})
    put(catalogue, 3, call={"queue": "Sales"})
    put(catalogue, 4, OTHER, call={"agent": "Anna"})
    groups = catalogue.totals(Filter(), [ONE, OTHER], by="agent")
    counts = [(group.totals.recordings, group.example) for group in groups]
    assert counts[0] == (2, (ONE, sid("RE", 2)))
    assert sorted(count for count, _ in counts) == [1, 1, 2]
    (nobody,) = [group for group in groups if group.key is None]
    assert nobody.example is None
    installs = catalogue.totals(Filter(), [ONE, OTHER], by="install")
    assert [(group.key, group.totals.recordings) for group in installs] == [(ONE, 3), (OTHER, 1)]


def test_the_worst_have_the_figure(catalogue):
    for number, silence in enumerate([3.0, None, 9.0]):
        put(catalogue, number, longest_silence_seconds=silence)
    worst = catalogue.worst("longest_silence_seconds", Filter(), 10, [ONE])
    assert [one.figures["longest_silence_seconds"] for one in worst] == [9.0, 3.0]


@pytest.mark.parametrize(("number", "day"), [(0, date(1970, 1, 1)), (20513, date(2026, 3, 1))])
def test_a_day_is_counted_from_1970(number, day):
    assert date_of(number) == day


@pytest.mark.parametrize("by", [None, "day", "agent", "queue", "install"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Asia/Kathmandu"])
def test_sums_kept_beforehand_are_those_of_the_rows(catalogue, by, zone):
    """A condition that all meet has the rows read one by one; ends lie within a slot."""
    for number in (1, 2, 3, 26, 27, 60, 75):
        call = {"agent": f"Agent {number % 2}", "queue": f"Queue {number % 3}"}
        put(catalogue, number, ONE if number % 2 else OTHER, call=call)
    catalogue.write([catalogue.row(manifest(28), None)])
    start, installs, place = manifest(2).at, [ONE, OTHER], ZoneInfo(zone)
    for since, until in (
        (None, None),
        (start, None),
        (start, manifest(60).at),
        (start + timedelta(seconds=1), manifest(61).at - timedelta(minutes=7)),
        (start, start + timedelta(minutes=5)),
    ):
        stretch = Filter(since=since, until=until)
        kept = catalogue.totals(stretch, installs, by=by, zone=place)
        rows = catalogue.totals(stretch.replace(source="marketplace"), installs, by=by, zone=place)
        assert kept == rows
