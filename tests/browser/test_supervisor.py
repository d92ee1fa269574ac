"""A supervisor's tasks, each in a browser, with the number of clicks that it takes.

A form field that is filled and a key that is pressed count as one click each.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from addon.archive.archive import Archive
from addon.catalogue import Catalogue
from addon.settings import Settings
from addon.web.local_sign_in import local_sign_in_link
from tests.browser import busy_weeks, stand
from tests.browser.test_accessibility import check, sideways

ZONE = "Australia/Adelaide"
"""Half an hour beside every full one: whoever shows times in UTC is seen."""

COUNT = 40


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Settings]:
    """The service with more than a week of calls that end with the present."""
    settings = stand.settings_in(tmp_path_factory.mktemp("weeks") / "var", redis_url)
    catalogue = Catalogue.from_settings(settings)
    busy_weeks.fill(Archive.from_settings(settings), catalogue, datetime.now(UTC), COUNT)
    catalogue.close()
    with stand.served(settings) as served:
        yield served


class Task:
    """A page and the clicks on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    def click(self, target: Locator) -> None:
        self.clicks += 1
        target.click()

    def fill(self, target: Locator, text: str) -> None:
        self.clicks += 1
        target.fill(text)

    def follow(self, target: Locator) -> None:
        """A click that leads to another page, until that is there: what is read next is its."""
        with self.page.expect_navigation():
            self.click(target)

    def enter(self) -> None:
        """Sends the form that the cursor is in, until the answer is there."""
        self.clicks += 1
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def took(self, clicks: int) -> None:
        """Tells the clicks (pytest -rP), and holds them."""
        print(f"{self.page.title()}: {self.clicks} clicks")
        assert self.clicks <= clicks


@pytest.fixture
def task(open_page: Callable[..., Page], weeks: Settings) -> Task:
    """The list of a signed-in person in ZONE."""
    page = open_page(timezone_id=ZONE, accept_downloads=True)
    page.goto(local_sign_in_link(weeks))
    expect(page.locator("#list")).to_have_attribute("data-zone", ZONE)
    return Task(page)


def link(page: Page, name: str) -> Locator:
    return page.get_by_role("link", name=name, exact=True)


def count(page: Page) -> int:
    return int(page.locator("#count").inner_text())


def rows(page: Page) -> list[str]:
    found: list[str] = page.locator(".row-link").evaluate_all(
        "links => links.map(link => link.getAttribute('href'))"
    )
    return found


def test_yesterdays_worst_calls(task: Task):
    page = task.page
    task.follow(link(page, "Yesterday"))
    task.follow(link(page, "Longest silence"))
    expect(page.get_by_role("columnheader", name="Longest silence")).to_have_attribute(
        "aria-sort", "descending"
    )
    yesterday = datetime.now(ZoneInfo(ZONE)).date() - timedelta(days=1)
    dates = page.locator(".row .date").all_inner_texts()
    assert dates and set(dates) == {f"{yesterday:%a} {yesterday.day} {yesterday:%b}"}
    task.took(2)


def test_the_worst_calls_of_the_week_from_the_overview(task: Task):
    page = task.page
    task.follow(page.locator("main").get_by_role("link", name="Overview"))
    worst = page.get_by_role("region", name="Longest silence highest")
    expect(worst.get_by_role("listitem").first).to_be_visible()
    address = worst.get_by_role("listitem").first.get_by_role("link").get_attribute("href")
    task.follow(worst.get_by_role("listitem").first.get_by_role("link"))
    page.wait_for_url(f"**{address}")
    task.took(2)


def test_a_call_by_number(task: Task):
    page = task.page
    task.fill(page.get_by_role("searchbox"), "820042")
    task.enter()
    expect(page.locator("#count")).to_have_text("1")
    expect(page.locator(".row-parties")).to_contain_text(busy_weeks.CALLER)
    assert "820042" not in page.url
    task.took(2)


def test_the_calls_of_an_agent(task: Task):
    page = task.page
    task.follow(link(page, "Chloé Martin").first)
    expect(page.locator(".filter-chip")).to_contain_text("Agent Chloé Martin")
    assert 0 < count(page) < COUNT
    agents = page.locator(".row-agent").all_inner_texts()
    assert all("Chloé Martin" in text for text in agents)
    task.took(1)


def test_the_calls_of_a_queue(task: Task):
    page = task.page
    task.fill(page.get_by_role("searchbox"), "technical help")
    task.enter()
    expect(page.locator(".filter-chip")).to_contain_text("technical help")
    assert 0 < count(page) < COUNT
    queues = page.locator(".row-agent").all_inner_texts()
    assert all("Technical help" in text for text in queues)
    task.took(2)


def test_a_range_of_dates(task: Task):
    page = task.page
    last = datetime.now(ZoneInfo(ZONE)).date() - timedelta(days=2)
    task.fill(page.get_by_label("From", exact=True), str(last - timedelta(days=1)))
    task.fill(page.get_by_label("To", exact=True), str(last))
    task.follow(page.get_by_role("button", name="Show"))
    expect(page.locator(".filter-chip")).to_contain_text(f"{last - timedelta(days=1)} to {last}")
    days = page.locator(".day time").evaluate_all("all => all.map(one => one.dateTime)")
    assert days == [str(last), str(last - timedelta(days=1))]
    task.took(3)


def test_calls_with_a_silence_of_more_than_20_s(task: Task):
    page = task.page
    task.click(page.get_by_text("Figures and flags"))
    task.fill(page.get_by_role("group", name="Longest silence").get_by_label("over"), "20")
    task.enter()
    expect(page.locator(".filter-chip")).to_contain_text("Longest silence over 20 s")
    assert count(page) == len(range(0, COUNT, busy_weeks.LONG_SILENCE))
    task.took(3)


def test_a_table_for_a_spreadsheet(task: Task):
    page = task.page
    task.follow(link(page, "Yesterday"))
    shown = rows(page)
    with page.expect_download() as begun:
        task.click(page.get_by_role("link", name="Table"))
    text = Path(begun.value.path()).read_text(encoding="utf-8-sig")
    table = list(csv.DictReader(io.StringIO(text)))
    assert [f"/recordings/{row['recording']}" for row in table] == shown
    task.took(2)


def test_a_list_shared_with_a_colleague(
    task: Task, open_page: Callable[..., Page], weeks: Settings
):
    page = task.page
    task.fill(page.get_by_role("searchbox"), "Haddad")
    task.enter()
    task.follow(link(page, "Longest silence"))
    shared, shown = page.url, rows(page)
    assert shown and "Haddad" not in shared
    colleague = open_page(timezone_id="America/Lima")
    colleague.goto(local_sign_in_link(weeks))
    expect(colleague.locator("#list")).to_have_attribute("data-zone", "America/Lima")
    colleague.goto(shared)
    assert rows(colleague) == shown
    task.took(3)


def test_a_view_is_saved_and_found_again(task: Task):
    page = task.page
    task.follow(link(page, "Last 7 days"))
    task.fill(page.get_by_label("Name of this view"), "My week")
    task.enter()
    expect(link(page, "My week")).to_be_visible()
    page.goto(page.url.partition("?")[0])
    task.follow(link(page, "My week"))
    expect(link(page, "Last 7 days").first).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Forget the view My week").click()
    expect(link(page, "My week")).to_have_count(0)
    task.took(4)


def test_a_number_of_the_overview_leads_to_as_many_recordings(task: Task):
    page = task.page
    task.follow(page.locator("main").get_by_role("link", name="Overview"))
    first = page.get_by_role("region", name="By agent").get_by_role("row").nth(1)
    number = first.get_by_role("cell").first.get_by_role("link")
    wanted = int(number.inner_text())
    task.follow(number)
    expect(page.locator("#count")).to_have_text(str(wanted))
    task.took(2)


@pytest.mark.parametrize(
    "path",
    [
        "/recordings",
        "/recordings?period=30d&flag=low_snr&hold_seconds_over=1&sort=-hold_seconds",
        "/overview",
        "/overview?period=30d",
        "/time-zone",
    ],
)
def test_no_finding_on_a_desk_or_a_phone_and_nothing_sideways_at_400_percent(
    task: Task, axe: str, path: str
):
    page = task.page
    page.goto(page.url.partition("/recordings")[0] + path)
    check(page, axe)
    page.set_viewport_size({"width": 320, "height": 256})
    assert not sideways(page)


def test_fields_on_a_phone_lie_beside_each_other_and_not_over_each_other(task: Task):
    """The day field lay under the install's."""
    page = task.page
    for width in (360, 320):
        page.set_viewport_size({"width": width, "height": 740})
        boxes = [
            one.bounding_box() for one in page.locator(".filters > .field > :not(label)").all()
        ]
        assert len(boxes) == 4
        for number, one in enumerate(boxes):
            for other in boxes[number + 1 :]:
                assert one and other
                apart = (
                    one["x"] + one["width"] <= other["x"]
                    or other["x"] + other["width"] <= one["x"]
                    or one["y"] + one["height"] <= other["y"]
                    or other["y"] + other["height"] <= one["y"]
                )
                assert apart


def test_without_script_everything_is_there_and_a_zone_can_be_chosen(
    open_page: Callable[..., Page], weeks: Settings
):
    page = open_page(java_script_enabled=False)
    page.goto(local_sign_in_link(weeks))
    link(page, "Change the time zone").click()
    page.get_by_label("Time zone").select_option(ZONE)
    page.get_by_role("button", name="Show times in it").click()
    assert page.locator("#list").get_attribute("data-zone") == ZONE
    page.get_by_role("searchbox").fill("820042")
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("1")
    page.goto(page.url.partition("/recordings")[0] + "/overview")
    assert page.get_by_role("table", name="Recordings by day").get_by_role("link").count() == 7


def test_print_has_the_table_and_no_controls(task: Task):
    page = task.page
    page.emulate_media(media="print")
    expect(page.get_by_role("columnheader", name="Parties")).to_be_visible()
    for hidden in (".finder", ".top", ".actions"):
        expect(page.locator(hidden)).to_be_hidden()
    assert not sideways(page)


@pytest.mark.skipif(
    shutil.which("geckodriver") is None, reason="no geckodriver: Debian 12 has none beside Firefox"
)
def test_the_pages_work_in_firefox(weeks: Settings):
    from selenium import webdriver  # type: ignore[import-not-found]

    options = webdriver.FirefoxOptions()
    options.add_argument("--headless")
    browser = webdriver.Firefox(options=options)
    try:
        browser.get(local_sign_in_link(weeks))
        assert browser.title == "Recordings"
    finally:
        browser.quit()
