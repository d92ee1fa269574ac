"""From a permanent link through RingCentral's login to sound, and every way that it may end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis
from playwright.sync_api import Page, expect

from addon.settings import Settings
from addon.web.ringcentral import CALLBACK
from tests.browser import stand
from tests.browser.test_accessibility import check
from tests.calls import wav
from tests.ringcentral.standin import CLIENT_ID, CLIENT_SECRET, PUBLIC, StandIn, says

LINK = "/ringcentral/recordings/5001"
SECONDS = 30.0


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn().running() as server:
        server.record(1, audio=wav(SECONDS), duration=int(SECONDS))
        yield server


@pytest.fixture
def service(archived: Settings, standin: StandIn) -> Iterator[Settings]:
    redis.Redis.from_url(archived.redis_url).flushall()
    with stand.served(
        archived,
        ringcentral_client_id=CLIENT_ID,
        ringcentral_client_secret=CLIENT_SECRET,
        ringcentral_base_url=standin.url,
    ) as settings:
        standin.redirect_uris = {settings.public_url + CALLBACK}
        yield settings


def play_from(page: Page, seconds: float) -> None:
    """Plays from there, and returns once time has passed."""
    page.evaluate("at => { audio.currentTime = at; return audio.play(); }", seconds)
    page.wait_for_function("at => audio.currentTime > at + 0.3", arg=seconds)


def test_a_link_leads_through_the_login_plays_and_seeks(
    open_page: Callable[..., Page], service: Settings, standin: StandIn
):
    page = open_page()
    page.goto(service.public_url + LINK)
    assert standin.asked("/authorize")
    assert page.url == service.public_url + LINK
    expect(page.get_by_role("heading", level=1)).to_have_text("RingCentral recording")
    play_from(page, 0)
    assert page.evaluate("audio.duration") == pytest.approx(SECONDS)
    play_from(page, 25)
    play_from(page, 4)
    assert page.evaluate("audio.error") is None
    spoken = [request.authorization for request in standin.asked("/content")]
    assert spoken and all(token and token.startswith("Bearer ") for token in spoken)
    assert "Bearer" not in page.content()
    assert page.evaluate("document.cookie") == ""


def test_signing_out_asks_again(
    open_page: Callable[..., Page], service: Settings, standin: StandIn
):
    page = open_page()
    page.goto(service.public_url + LINK)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    assert standin.asked("/revoke")
    page.goto(service.public_url + LINK)
    assert len(standin.asked("/authorize")) == 2


def test_an_ended_session_says_so_and_leads_back(
    open_page: Callable[..., Page], service: Settings, standin: StandIn
):
    page = open_page(expect_failures=True)
    page.goto(service.public_url + LINK)
    page.wait_for_function("audio.readyState >= 1")
    redis.Redis.from_url(service.redis_url).flushall()
    page.evaluate("audio.src += '?again'")  # Chromium keeps what it has of the same address
    expect(page.get_by_role("alert")).to_contain_text("Your RingCentral session has ended")
    page.get_by_role("link", name="Sign in again").click()
    page.wait_for_url(service.public_url + LINK)
    play_from(page, 1)


def test_a_limit_is_explained(open_page: Callable[..., Page], service: Settings, standin: StandIn):
    page = open_page(expect_failures=True)
    standin.trouble[f"{PUBLIC}/recording/5001"] = [says(429, **{"Retry-After": "55"})]
    page.goto(service.public_url + LINK)
    expect(page.get_by_role("heading", level=1)).to_have_text("Just a moment")
    expect(page.get_by_text("Please try again in 55 seconds")).to_be_visible()


def test_a_forged_answer_signs_nobody_in(
    open_page: Callable[..., Page], service: Settings, standin: StandIn
):
    page = open_page(expect_failures=True)
    page.goto(f"{service.public_url}{CALLBACK}?code=abc&state=made-up")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not allowed")
    assert page.context.cookies() == []
    assert standin.asked("/token") == []


def test_somebody_without_the_right_is_told_so(
    open_page: Callable[..., Page], service: Settings, standin: StandIn
):
    standin.person = "63002"
    page = open_page(expect_failures=True)
    page.goto(service.public_url + LINK)
    expect(page.get_by_role("heading", level=1)).to_have_text("Not allowed")


def test_its_pages_have_no_serious_finding(
    open_page: Callable[..., Page], service: Settings, standin: StandIn, axe: str
):
    page = open_page(expect_failures=True)
    page.goto(service.public_url + LINK)
    check(page, axe)
    page.goto(f"{service.public_url}/ringcentral/recordings/5999")
    check(page, axe)
