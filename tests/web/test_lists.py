"""The list's page: with the catalogue, without it, as a table, saved and searched."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from addon.factory import create_app
from addon.settings import Settings
from tests.archive.recordings import CALL, RECORDING, TENANT
from tests.web.people import Browser, context_of
from tests.web.test_pages import MOMENT, OTHER, RESULT, allow, archive, browser, put

__all__ = ["archive", "browser"]  # fixtures


def told(**facts: Any) -> dict[str, Any]:
    """An analysis with the facts of its call."""
    figures = {name: facts.pop(name) for name in list(facts) if name.endswith("_seconds")}
    conversation = {**RESULT["conversation"], **figures}
    call = {"from": "+49301234567", "to": "+498005550100", "agent": "Ada", "queue": "Billing"}
    return {"result": {**RESULT, "conversation": conversation}, "call": {**call, **facts}}


@pytest.fixture
def catalogued(settings: Settings) -> Flask:
    """An app with a catalogue that is complete, and no recordings yet."""
    app = create_app(settings.replace(catalogue_key=b"k" * 32))
    allow(app)
    context_of(app).catalogue.note_comparison(datetime.now(UTC))
    return app


def catalogue(app: Flask, number: int = 0, **changes: Any) -> str:
    """A recording in the archive and in the catalogue, as a worker leaves it; returns its id."""
    made, changes = context_of(app), {"analysis": told(), **changes}
    name = put(made.archive, number, **changes)
    manifest = made.archive.manifest(changes.get("tenant", TENANT), name)
    made.catalogue.write([made.catalogue.row(manifest, changes["analysis"])])
    return name


def shown(page: str) -> list[str]:
    """The ids of the rows of a page, in order."""
    return re.findall(r'class="row-link" href="/recordings/(RE\w+)', page)


def at(app: Flask) -> Browser:
    return Browser(app).signed_in()


def test_the_list_shows_a_recording(browser, archive):
    name = put(archive)
    page = browser.get("/recordings")
    assert page.status_code == 200
    assert f'href="/recordings/{name}"' in page.text
    assert "Wednesday 4 March 2026" in page.text and ">15:42<" in page.text
    assert (
        'aria-label="Agent alone 30 %, Both at once 10 %, Customer alone 30 %, Silence 30 %"'
        in page.text
    )
    assert "Noisy" in page.text


def test_an_empty_list_says_so(browser):
    assert "No recordings here" in browser.get("/recordings").text


def test_pages_of_the_list_follow_each_other(browser, archive):
    names = {put(archive, n, started_at=MOMENT.replace(minute=n)) for n in range(1, 31)}
    first = browser.get("/recordings").text
    link = re.search(r'rel="next" href="([^"]+)"', first)
    assert link is not None
    second = browser.get(link[1].replace("&amp;", "&")).text
    shown = [re.findall(r'href="/recordings/(RE\w+)"', page) for page in (first, second)]
    assert [len(page) for page in shown] == [25, 5]
    assert set(shown[0] + shown[1]) == names
    assert "rel=" not in re.sub(r"<link[^>]+>", "", second)


def test_the_list_of_a_day(browser, archive):
    name = put(archive)
    assert name in browser.get("/recordings?day=2026-03-04").text
    assert name not in browser.get("/recordings?day=2026-03-05").text


def test_the_list_of_a_call(browser, archive):
    name = put(archive)
    assert name in browser.get(f"/recordings?call={CALL}").text
    assert name not in browser.get("/recordings?call=CA00").text


def test_the_recordings_of_a_call_stand_in_the_order_of_time_without_a_catalogue_too(
    browser, archive
):
    """Their names order otherwise."""
    names = [
        put(archive, number, started_at=MOMENT + timedelta(minutes=minutes))
        for minutes, number in enumerate((2, 3, 1))
    ]
    assert shown(browser.get(f"/recordings?call={CALL}").text) == names[::-1]
    assert shown(browser.get(f"/recordings?call={CALL}&sort=time").text) == names


def test_the_list_of_an_install(browser, archive):
    here, there = put(archive), put(archive, 1, tenant=OTHER)
    page = browser.get(f"/recordings?install={OTHER}").text
    assert there in page and here not in page


@pytest.mark.parametrize(
    ("sought", "leads_to"),
    [
        (RECORDING, f"/recordings/{RECORDING}"),
        (f"  {RECORDING} ", f"/recordings/{RECORDING}"),
        (CALL, f"/calls/{CALL}"),
        (TENANT, f"/recordings?install={TENANT}"),
        ("2026-03-04", "/recordings?from=2026-03-04&to=2026-03-04"),
    ],
)
def test_a_sid_is_found(browser, archive, sought, leads_to):
    put(archive)
    answer = browser.get("/recordings", query_string={"q": sought})
    assert (answer.status_code, answer.headers["Location"]) == (302, leads_to)


@pytest.mark.parametrize("sought", ["RE0", "../../x", "<script>", "RE*", "é"])
def test_what_is_not_found_is_said(browser, sought):
    answer = browser.get("/recordings", query_string={"q": sought})
    assert answer.status_code == 200 and "No recordings here" in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    "query", ["day=tomorrow", "cursor=x", "cursor=2026-99-99/a/b", "install=..", "day=0001-01-01"]
)
def test_an_impossible_list_is_not_an_error_of_ours(browser, archive, query):
    put(archive)
    assert browser.get(f"/recordings?{query}").status_code in (200, 400, 404)


def test_another_installs_recordings_are_not_listed(app, browser, archive):
    name = put(archive)
    allow(app, installs=frozenset({OTHER}))
    for query in ("", "?day=2026-03-04", f"?call={CALL}", f"?install={TENANT}", f"?q={RECORDING}"):
        assert f"/recordings/{name}" not in browser.get(f"/recordings{query}").text


def test_a_bucket_that_is_away_is_a_page_that_says_so(settings, redis_server, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    app = create_app(settings.replace(archive_url="s3://bucket/prefix"))
    allow(app)
    page = Browser(app).signed_in().get("/recordings")
    assert (page.status_code, page.mimetype) == (503, "text/html")
    assert page.headers["Retry-After"]


def test_the_list_has_parties_agent_queue_and_figures(catalogued):
    name = catalogue(catalogued, analysis=told(longest_silence_seconds=21.5, crosstalk_seconds=0.0))
    page = at(catalogued).get("/recordings").text
    assert shown(page) == [name]
    for text in ("+49301234567", "+498005550100", ">Ada</a>", ">Billing</a>", "</span>22 s</td>"):
        assert text in page
    assert '<span id="count">1</span> recording.' in page


def test_what_is_not_known_is_said_and_is_no_zero(catalogued):
    facts = dict.fromkeys(("from", "to", "agent", "queue"))
    catalogue(catalogued, analysis={"result": None, "message": "This is <no> audio", "call": facts})
    page = at(catalogued).get("/recordings").text
    assert "Not analysed: This is &lt;no&gt; audio" in page
    assert page.count("unknown") >= 6 and "0 s<" not in page


def test_headings_sort_and_say_so(catalogued):
    for number, silence in enumerate((3.0, 9.0, 6.0), 1):
        catalogue(catalogued, number, analysis=told(longest_silence_seconds=silence))
    browser = at(catalogued)
    page = browser.get("/recordings").text
    link = re.search(r'href="(/recordings\?sort=-longest[^"]+)"', page)
    falling = browser.get(link[1]).text
    assert [name[-1] for name in shown(falling)] == ["2", "3", "1"]
    assert 'aria-sort="descending"' in falling
    rising = browser.get("/recordings?sort=longest_silence_seconds").text
    assert [name[-1] for name in shown(rising)] == ["1", "3", "2"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("longest_silence_seconds_over=20", "2"),
        ("longest_silence_seconds_under=20", "13"),
        ("flag=low_snr", "123"),
        ("flag=clipped", ""),
        ("from=2026-03-05&to=2026-03-06", "3"),
        ("to=2026-03-04", "12"),
        ("number=%2B49301234567", "13"),
        ("agent=ben", "2"),
        ("queue=Billing", "123"),
        ("q=RE0000000", "123"),
    ],
)
def test_a_view_lists_exactly_what_meets_it(catalogued, query, found):
    catalogue(catalogued, 1)
    ben = told(agent="Ben Okafor", longest_silence_seconds=25.0, **{"from": "+4477009001"})
    catalogue(catalogued, 2, analysis=ben)
    catalogue(catalogued, 3, started_at=MOMENT + timedelta(days=1))
    page = at(catalogued).get(f"/recordings?{query}").text
    assert sorted(name[-1] for name in shown(page)) == list(found)
    assert f'<span id="count">{len(found)}</span>' in page


@pytest.mark.parametrize("text", ["4567", "+49 30 1234567", "ada", "Billing"])
def test_a_search_leads_to_its_view_and_the_text_is_in_no_address(catalogued, text):
    name = catalogue(catalogued)
    catalogue(catalogued, 2, analysis=told(agent="Ben", queue="Orders", **{"from": "+447700900"}))
    browser = at(catalogued)
    answer = browser.post("/recordings/search", data={"q": text})
    address = answer.headers["Location"]
    assert answer.status_code == 303 and text not in address and "4567" not in address
    page = browser.get(address).text
    assert shown(page) == [name] and f"“{text}”" in page


def test_part_of_a_sid_that_the_page_shows_is_found(catalogued):
    name = catalogue(catalogued)
    for part in (name[:6], name[-4:], f"{name[:6]}…{name[-4:]}"):
        answer = at(catalogued).post("/recordings/search", data={"q": part})
        assert shown(at(catalogued).get(answer.headers["Location"]).text) == [name]


def test_agents_and_queues_are_links_without_their_names(catalogued):
    name = catalogue(catalogued)
    catalogue(catalogued, 2, analysis=told(agent="Ben"))
    browser = at(catalogued)
    href = re.search(r'href="([^"]+)"[^>]*>Ada</a>', browser.get("/recordings").text)[1]
    assert "Ada" not in href
    page = browser.get(href).text
    assert shown(page) == [name] and "<span>Agent Ada</span>" in page


def test_a_form_leads_to_an_address_without_its_empty_fields(catalogued):
    answer = at(catalogued).get("/recordings?from=&to=&install=&hold_seconds_over=5&sort=-time")
    assert answer.headers["Location"] == "/recordings?hold_seconds_over=5"


def test_times_and_days_are_in_the_viewers_zone(catalogued):
    catalogue(catalogued, started_at=datetime(2026, 3, 4, 23, 30, tzinfo=UTC))
    browser = at(catalogued)
    browser.set_cookie("zone", "Europe/Berlin")
    page = browser.get("/recordings").text
    assert "Thursday 5 March 2026" in page and ">00:30</time>" in page.replace("\n", "")
    assert 'name="zone" value="Europe/Berlin"' in page


def test_a_saved_view_is_a_link_until_it_is_forgotten(catalogued):
    browser = at(catalogued)
    data = {"name": "Long <holds>", "query": "hold_seconds_over=20&x=1"}
    answer = browser.post("/recordings/views", data=data)
    assert answer.headers["Location"] == "/recordings?hold_seconds_over=20"
    page = browser.get("/recordings").text
    assert 'href="/recordings?hold_seconds_over=20"' in page and "Long &lt;holds&gt;" in page
    other = Browser(catalogued).signed_in({"iss": "x", "sub": "somebody else", "name": "B"})
    assert "Long &lt;holds&gt;" not in other.get("/recordings").text
    browser.post("/recordings/views", data={**data, "do": "remove"})
    assert "Long &lt;holds&gt;" not in browser.get("/recordings").text


def test_another_installs_recordings_are_in_no_view_of_it(catalogued):
    name = catalogue(catalogued)
    allow(catalogued, installs=frozenset({OTHER}))
    browser = at(catalogued)
    for query in ("", "?agent=Ada", "?q=RE2222", "?number=4567", f"?call_sid={CALL}"):
        page = browser.get(f"/recordings{query}").text
        assert shown(page) == [] and '<span id="count">0</span>' in page
        assert name not in browser.get(f"/recordings.csv{query}").text
    for path in ("/recordings", "/recordings.csv", "/overview"):
        assert browser.get(f"{path}?install={TENANT}").status_code == 404


@pytest.mark.parametrize("path", ["/recordings", "/overview", "/time-zone"])
def test_a_stranger_is_sent_to_sign_in(catalogued, path):
    assert "/login" in Browser(catalogued).get(path).headers["Location"]
    for post in ("/recordings/search", "/recordings/views", "/time-zone"):
        assert Browser(catalogued).post(post, data={}).status_code == 401
