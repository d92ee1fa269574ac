"""From a permanent link through a real issuer to a playing call, and out again."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import redis
from playwright.sync_api import Page, expect

from addon.settings import Settings
from addon.web.local_sign_in import local_sign_in_link
from tests.browser.sample_calls import MAIN_CALL
from tests.browser.test_accessibility import check
from tests.web.issuer import Issuer

LINK = f"/recordings/{MAIN_CALL}"


def sign_in(page: Page, service: Settings, path: str = LINK) -> None:
    page.goto(service.public_url + path)
    page.get_by_role("link", name="Continue").click()
    page.wait_for_url(service.public_url + path)


def sessions(service: Settings) -> redis.Redis:
    return redis.Redis.from_url(service.redis_url)


def test_a_link_leads_through_the_issuer_to_the_same_recording_and_plays(
    open_page: Callable[..., Page], service: Settings, issuer: Issuer
):
    page = open_page()
    page.goto(service.public_url + LINK)
    assert page.url.startswith(f"{issuer.url}/authorize")
    page.get_by_role("link", name="Continue").click()
    page.wait_for_url(service.public_url + LINK)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Wednesday 4 March 2026, 15:42")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.wait_for_function("() => document.getElementById('audio').currentTime >= 2")


def test_signing_out_asks_again_for_the_same_link(
    open_page: Callable[..., Page], service: Settings, issuer: Issuer
):
    page = open_page()
    sign_in(page, service)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    page.goto(service.public_url + LINK)
    assert page.url.startswith(f"{issuer.url}/authorize")


def test_at_a_shared_desk_the_issuers_session_is_ended_too_and_the_next_person_is_asked(
    open_page: Callable[..., Page], service: Settings, issuer: Issuer, axe: str
):
    page = open_page()
    sign_in(page, service)
    before = len(issuer.signed_out)
    page.get_by_role("button", name="Sign out").click()
    button = page.get_by_role("link", name="Sign out at the identity provider too")
    expect(button).to_be_visible()
    check(page, axe)
    button.click()
    expect(page.get_by_text("from ending its own session")).to_be_visible()
    check(page, axe)
    assert len(issuer.signed_out) == before + 1
    assert issuer.signed_out[-1]["id_token_hint"]
    page.goto(service.public_url + LINK)
    assert "prompt=login" in page.url


def test_an_ended_session_is_renewed_on_the_same_page(
    open_page: Callable[..., Page], service: Settings
):
    page = open_page()
    sign_in(page, service, "/recordings?day=2026-03-04")
    with sessions(service) as connection:
        connection.delete(*connection.keys("sealed-session:*"))
    page.reload()
    page.get_by_role("link", name="Continue").click()
    page.wait_for_url(service.public_url + "/recordings?day=2026-03-04")


def test_a_session_that_ends_on_an_open_page_is_told(
    open_page: Callable[..., Page], service: Settings
):
    page = open_page(expect_failures=True)
    sign_in(page, service)
    expect(page.locator("#player")).to_have_attribute("data-state", "ready")
    with sessions(service) as connection:
        connection.delete(*connection.keys("sealed-session:*"))
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.locator("#note")).to_contain_text("Your session has ended.")
    page.get_by_role("link", name="Sign in again").click()
    page.get_by_role("link", name="Continue").click()
    page.wait_for_url(service.public_url + LINK)


def test_a_forged_state_signs_nobody_in(
    open_page: Callable[..., Page], service: Settings, issuer: Issuer
):
    page = open_page(expect_failures=True)
    page.goto(service.public_url + LINK)
    back = page.get_by_role("link", name="Continue").get_attribute("href")
    assert back is not None
    page.goto(re.sub(r"state=[^&]+", "state=forged", back))
    expect(page.get_by_text("was not begun in this browser")).to_be_visible()
    assert not [one for one in page.context.cookies() if one["name"].endswith("session")]


def test_an_answer_meant_for_another_browser_signs_nobody_in(
    open_page: Callable[..., Page], service: Settings
):
    """Login CSRF: an attacker's code in a victim's browser."""
    attacker, victim = open_page(), open_page(expect_failures=True)
    attacker.goto(service.public_url + LINK)
    back = attacker.get_by_role("link", name="Continue").get_attribute("href")
    assert back is not None
    victim.goto(back)
    expect(victim.get_by_text("was not begun in this browser")).to_be_visible()


def test_a_person_without_rights_is_told(
    open_page: Callable[..., Page], service: Settings, issuer: Issuer
):
    page = open_page(expect_failures=True)
    before, issuer.person = issuer.person, {**issuer.person, "groups": ["cleaners"]}
    try:
        page.goto(service.public_url + LINK)
        page.get_by_role("link", name="Continue").click()
        expect(page.get_by_text("may not listen to recordings here")).to_be_visible()
    finally:
        issuer.person = before


def test_scripts_cannot_read_the_session(open_page: Callable[..., Page], service: Settings):
    page = open_page()
    sign_in(page, service)
    assert page.evaluate("document.cookie") == ""
    (cookie,) = [one for one in page.context.cookies() if one["name"].endswith("session")]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")


@pytest.mark.parametrize("path", ["/recordings", LINK])
def test_the_owners_link_works_once(
    open_page: Callable[..., Page], own_machine: Settings, path: str
):
    page = open_page(expect_failures=True)
    link = local_sign_in_link(own_machine, path)
    page.goto(link)
    assert page.url == own_machine.public_url + path
    page.goto(link)
    expect(page.get_by_text("used before")).to_be_visible()
