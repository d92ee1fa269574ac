"""Tables for spreadsheets: the rows of a view, no formulas, unknown is empty, and on record."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest

from addon.web.list_csv import line
from tests.archive.recordings import TENANT
from tests.web.people import Browser, context_of
from tests.web.test_lists import at, catalogue, catalogued, told
from tests.web.test_pages import MOMENT

__all__ = ["catalogued"]  # a fixture


def table(browser: Browser, query: str = "") -> list[dict[str, str]]:
    answer = browser.get(f"/recordings.csv{query}")
    assert answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def test_a_table_has_the_rows_of_its_view(catalogued):
    names = [
        catalogue(catalogued, number, started_at=MOMENT + timedelta(minutes=number))
        for number in range(1, 4)
    ]
    catalogue(catalogued, 4, analysis=told(agent="Ben"))
    rows = table(at(catalogued), "?agent=Ada")
    assert [row["recording"] for row in rows] == names[::-1]
    assert rows[0]["from"] == "'+49301234567" and rows[0]["duration_seconds"] == "1.0"
    assert rows[0]["customer_sentiment"] == ""  # unknown, not zero


def test_no_cell_of_a_table_is_a_formula(catalogued):
    catalogue(catalogued, analysis=told(agent="=HYPERLINK(1)", queue="@SUM(A1)"))
    (row,) = table(at(catalogued))
    assert (row["agent"], row["queue"]) == ("'=HYPERLINK(1)", "'@SUM(A1)")
    assert all(not re.match(r"[=+@\t\r]", cell) for cell in row.values())


def test_that_a_table_was_taken_is_on_record(catalogued):
    catalogue(catalogued)
    table(at(catalogued))
    events = list(context_of(catalogued).archive.access_log.events(TENANT, "list"))
    assert [(one["event"], one["purpose"]) for one in events] == [("exported", "table")]


@pytest.mark.parametrize("text", ["=1+1", "+49", "-2", "@x", "\t=1", "\r=1", "|x", "%x"])
def test_a_text_that_could_be_a_formula_begins_with_an_apostrophe(text):
    (cell,) = next(csv.reader(io.StringIO(line([text]), newline="")))
    assert cell == f"'{text}"


def test_numbers_stay_numbers_and_unknown_is_empty():
    assert line([-0.25, None, 'say "x", y', 3]) == '-0.25,,"say ""x"", y",3\r\n'
