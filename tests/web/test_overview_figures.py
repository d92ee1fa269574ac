"""Numbers of the overview: shares, days and the worst."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from addon.catalogue.tables import FIGURES
from addon.web.overview_figures import COLUMNS, NOTHING
from tests.web.test_lists import at, catalogue, catalogued
from tests.web.test_overview import busy

__all__ = ["busy", "catalogued"]  # fixtures


def test_the_worst_come_first_and_none_of_something_is_not_among_them(busy):
    page = busy.get("/overview?period=30d").text
    longest = page[page.index('id="worst-longest_silence_seconds"') :]
    longest = longest[: longest.index("</ol>")]
    assert [int(name) for name in re.findall(r"/recordings/RE0+(\d+)", longest)] == [
        *(9, 8, 7),
        *(5, 4, 3, 2, 1),
    ]
    assert "Ada" in longest and 'id="worst-hold_seconds"' not in page


def test_a_share_that_nobody_knows_is_unknown(catalogued):
    catalogue(catalogued, started_at=datetime.now(UTC), analysis={"result": None, "message": "x"})
    page = at(catalogued).get("/overview?period=7d").text
    silence = page[page.index("<dt>Silence</dt>") :][:200]
    assert ">unknown</a>" in silence


def test_a_day_is_the_viewers(catalogued):
    catalogue(catalogued, started_at=datetime(2026, 3, 4, 23, 30, tzinfo=UTC))
    page = at(catalogued).get("/overview?from=2026-03-04&to=2026-03-05&zone=Europe/Berlin").text
    days = re.findall(r"<span>(\w+ \d+ \w+)</span></th><td[^>]*><a[^>]*>([^<]+)<", page)[:2]
    assert days == [("Wed 4 Mar", "0"), ("Thu 5 Mar", "1")]


def test_nothing_has_no_share_and_no_length():
    assert [column.text(NOTHING) for column in COLUMNS] == ["0", *["none"] * 6]


def test_every_column_sorts_the_list_behind_it():
    assert {column.figure for column in COLUMNS} <= {"time", *FIGURES}
