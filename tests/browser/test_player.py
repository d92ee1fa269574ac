"""The player in a browser: by mouse, by keyboard, without scripts, and whatever the recording."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from addon.web.local_sign_in import local_sign_in_link
from tests.browser.sample_calls import MAIN_CALL, sid
from tests.browser.stand import settle

LINK = f"/recordings/{MAIN_CALL}"
MONO, ONE_SIDED, SILENT = sid("RE", 3), sid("RE", 5), sid("RE", 7)

Open = Callable[..., Page]


@pytest.fixture
def player(signed_in: Open) -> Page:
    page = signed_in(LINK)
    expect(page.locator("#player")).to_have_attribute("data-state", "ready")
    return page


def time_of(page: Page):
    return page.get_by_label("Position", exact=True)


def heard(page: Page, seconds: float) -> None:
    """Wait until it has played to `seconds` or beyond; the clock goes on meanwhile."""
    page.wait_for_function("s => document.getElementById('audio').currentTime >= s", arg=seconds)


def slider(page: Page):
    return page.get_by_role("slider", name="Position in the recording")


def test_clicking_the_waveform_seeks(player):
    box = slider(player).bounding_box()
    assert box is not None
    slider(player).click(position={"x": box["width"] / 2, "y": 40})
    expect(time_of(player)).to_have_text("1:15")
    expect(slider(player)).to_have_attribute("aria-valuenow", "76")


def test_clicking_a_turn_seeks_to_it_and_plays_from_there(player):
    player.locator("#turns button").nth(11).click()
    heard(player, 45)
    expect(player.get_by_role("button", name="Pause", exact=True)).to_be_visible()


def test_seeking_while_it_plays(player):
    player.get_by_role("button", name="Play", exact=True).click()
    heard(player, 1)
    player.keyboard.press("End")
    player.locator("body").press("j")
    expect(player.get_by_role("button", name="Pause")).to_be_visible()


def test_everything_is_done_by_keyboard(player):
    slider(player).focus()
    for key, time in (
        *(("l", "0:10"), ("ArrowRight", "0:15"), ("ArrowLeft", "0:10"), ("PageDown", "0:40")),
        *(
            ("PageUp", "0:10"),
            ("j", "0:00"),
            ("n", "0:00"),
            ("n", "0:02"),
            ("End", "2:31"),
            ("Home", "0:00"),
        ),
    ):
        player.keyboard.press(key)
        expect(time_of(player)).to_have_text(time)
    player.keyboard.press(">")
    expect(player.get_by_label("Speed")).to_have_value("1.25")
    player.keyboard.press("m")
    expect(player.get_by_role("button", name="Mute", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    player.keyboard.press("Space")
    expect(player.get_by_role("button", name="Pause")).to_be_visible()
    player.keyboard.press("?")
    expect(player.get_by_text("Previous, next turn")).to_be_visible()


def test_the_slider_says_where_it_is_and_who_speaks(player):
    player.evaluate("location.hash = '#t=46'")
    expect(slider(player)).to_have_attribute(
        "aria-valuetext", "46 seconds of 2 minutes 31 seconds, Agent speaking"
    )


def test_the_speaking_turn_is_marked(player):
    player.locator("#turns button").nth(4).click()
    expect(player.locator("#turns button[aria-current]")).to_have_count(1)
    expect(player.locator("#turns button").nth(4)).to_have_attribute("aria-current", "true")


def test_speed_changes_what_is_heard(player):
    player.get_by_label("Speed").select_option("2")
    player.get_by_role("button", name="Play", exact=True).click()
    heard(player, 1)
    assert player.evaluate("document.getElementById('audio').playbackRate") == 2


def test_zooming_shows_a_part(player):
    player.get_by_role("button", name="Zoom in").click()
    wide = "document.querySelector('#wave > div').shadowRoot.querySelector('.wrapper').clientWidth"
    seen = "document.getElementById('wave').clientWidth"
    assert player.evaluate(f"{wide} > 1.5 * {seen}")
    player.get_by_role("button", name="Zoom out").click()
    assert player.evaluate(f"{wide} <= {seen}")


def test_the_link_is_copied(signed_in, own_machine):
    page = signed_in(LINK, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == own_machine.public_url + LINK


def test_the_link_is_copied_while_the_timeline_is_still_on_its_way(open_page, own_machine):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.route("**/timeline*", lambda _: None)  # never answered
    page.goto(local_sign_in_link(own_machine, LINK))
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("Copied")).to_be_visible()


def test_the_file_is_downloaded(player):
    with player.expect_download() as started:
        player.get_by_role("link", name="Download").click()
    file = started.value
    assert file.suggested_filename == f"{MAIN_CALL}.wav"
    assert file.path().read_bytes()[:4] == b"RIFF"


def test_opening_the_page_is_not_listening(signed_in):
    asked: list[str] = []
    page = signed_in("/recordings")
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page.url + f"/{MAIN_CALL}")
    expect(page.locator("#player")).to_have_attribute("data-state", "ready")
    assert not [url for url in asked if "/audio" in url or "/media/" in url]


def test_what_was_played_is_reported_beside_what_was_sent(player):
    player.get_by_role("button", name="Play", exact=True).click()
    heard(player, 1)
    with player.expect_response("**/played") as report:
        player.get_by_role("button", name="Pause").click()
    assert report.value.status == 204
    settle()
    player.reload()
    expect(player.get_by_text("as the player reports").first).to_be_visible()


def test_who_listened_is_shown(player):
    player.get_by_role("button", name="Play", exact=True).click()
    heard(player, 1)
    player.reload()
    trail = player.locator(".trail")
    expect(trail).to_contain_text("Owner of this machine")


@pytest.mark.parametrize("name", [MONO, ONE_SIDED, SILENT], ids=["mono", "one-sided", "silent"])
def test_every_kind_of_recording_has_a_player(signed_in, name):
    page = signed_in(f"/recordings/{name}")
    expect(page.locator("#player")).to_have_attribute("data-state", "ready")
    page.get_by_role("button", name="Play", exact=True).click()
    heard(page, 1)
    expect(time_of(page)).not_to_have_text("0:00")


def test_without_scripts_the_page_still_plays(open_page, own_machine):
    from addon.web.local_sign_in import local_sign_in_link

    page = open_page(java_script_enabled=False)
    page.goto(local_sign_in_link(own_machine, LINK))
    expect(page.locator("audio")).to_be_visible()
    expect(page.get_by_role("heading", name="Conversation")).to_be_visible()
    expect(page.locator(".transport")).to_be_hidden()


def test_a_lost_grant_is_replaced_without_a_word(signed_in):
    """As when a laptop sleeps longer than a grant lasts."""
    page = signed_in(LINK, expect_failures=True)
    expect(page.locator("#player")).to_have_attribute("data-state", "ready")
    lost = {"once": True}

    def refuse(route) -> None:
        if lost.pop("once", False):
            route.fulfill(status=410)
        else:
            route.continue_()

    page.route("**/audio", refuse)
    page.locator("#turns button").nth(11).click()
    heard(page, 44)
    expect(page.locator("#note")).to_be_hidden()
