"""The overview's page: every number is a link to a list that holds exactly as many recordings."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from tests.web.people import Browser
from tests.web.test_lists import at, catalogue, catalogued, shown, told
from tests.web.test_pages import OTHER, allow

__all__ = ["catalogued"]  # a fixture


@pytest.fixture
def busy(catalogued: Flask) -> Browser:
    """Nine recordings of the last days and of the days before, of two agents and two installs."""
    noon = datetime.now(UTC).replace(hour=0, minute=1)
    for number, days in enumerate((0, 0, 1, 1, 1, 2, 5, 9, 12), 1):
        agent, queue = ("Ada", "Billing") if number % 2 else ("Ben", None)
        analysis = told(agent=agent, queue=queue, longest_silence_seconds=float(number))
        catalogue(
            catalogued,
            number,
            tenant=OTHER if number == 3 else "XD" + "1" * 32,
            started_at=noon - timedelta(days=days),
            analysis=analysis if number != 6 else {"result": None, "message": "No audio"},
        )
    return at(catalogued)


def count(browser: Browser, href: str) -> int:
    """The number of recordings that the list at an address names, and it shows as many."""
    page = browser.get(html.unescape(href)).text
    found = int(re.search(r'id="count">([\d,]+)<', page)[1])
    assert len(shown(page)) == found
    return found


def test_every_count_is_that_of_the_list_behind_it(busy):
    page = busy.get("/overview").text
    tile = re.search(r'<dt>Recordings</dt>\s*<dd class="value"><a href="([^"]+)">(\d+)', page)
    assert (count(busy, tile[1]), tile[2]) == (7, "7")
    before = re.search(r'than</span> <a href="([^"]+)">(\d+)</a> before', page)
    assert (count(busy, before[1]), before[2]) == (2, "2")
    failed = re.search(r'<a href="([^"]+)">(\d+)</a> not analysed', page)
    assert (count(busy, failed[1]), failed[2]) == (1, "1")
    groups = re.findall(
        r'<th scope="row"><a href="[^"]+">([^<]+)</a></th>\s*'
        r'<td class="number"><a href="([^"]+)">(\d+)',
        page,
    )
    assert len(groups) == 4 + 3 + 2
    for name, href, number in groups:
        assert count(busy, href) == int(number), name
    days = re.findall(r'class="size-\d+"><a class="data" href="([^"]+)">(\d+)<', page)[:7]
    assert [int(number) for _, number in days] == [0, 1, 0, 0, 1, 3, 2]
    for href, number in days:
        assert count(busy, href) == int(number)


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


def test_an_overview_of_nothing_says_so(catalogued):
    assert "No recordings in this time" in at(catalogued).get("/overview").text


def test_installs_that_the_viewer_may_not_know_of_count_nowhere(catalogued, busy):
    allow(catalogued, installs=frozenset({OTHER}))
    page = busy.get("/overview").text
    assert re.search(r'<dt>Recordings</dt>\s*<dd class="value"><a href="[^"]+">1<', page)
    assert "Ben" not in page and "XD11" not in page


def test_a_day_is_the_viewers(catalogued):
    catalogue(catalogued, started_at=datetime(2026, 3, 4, 23, 30, tzinfo=UTC))
    page = at(catalogued).get("/overview?from=2026-03-04&to=2026-03-05&zone=Europe/Berlin").text
    days = re.findall(r"<span>(\w+ \d+ \w+)</span></th><td[^>]*><a[^>]*>([^<]+)<", page)[:2]
    assert days == [("Wed 4 Mar", "0"), ("Thu 5 Mar", "1")]


def test_the_page_needs_nothing_that_its_policy_forbids(busy):
    answer = busy.get("/overview")
    nonce = re.search(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])[1]
    assert re.findall(r"<style[^>]*>", answer.text) == [f'<style nonce="{nonce}">']
    assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:|<script>", answer.text)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "query", ["period=ever", "from=x", "agent=~zz", "from=0001-01-01&to=9999-12-31"]
)
def test_an_impossible_overview_is_not_an_error_of_ours(catalogued, query):
    catalogue(catalogued)
    assert at(catalogued).get(f"/overview?{query}").status_code in (200, 400, 404)
