"""Moments, links to them, clips, notes and the parties' sound, as a supervisor uses them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, expect

from addon.archive.archive import Archive
from addon.settings import Settings
from addon.web.local_sign_in import local_sign_in_link
from tests.archive.recordings import archived
from tests.browser import stand
from tests.browser.sample_calls import MAIN_CALL, sid
from tests.browser.test_accessibility import check
from tests.browser.test_player import heard, time_of

LINK = f"/recordings/{MAIN_CALL}"
TWO_PARTS = sid("CA", 1)
LONG = "RE" + "e" * 32

Open = Callable[..., Page]


def ready(page: Page) -> Page:
    expect(page.locator("#player")).to_have_attribute("data-state", "ready")
    return page


@pytest.fixture
def player(signed_in: Open) -> Page:
    return ready(signed_in(LINK))


def test_a_moment_of_the_list_plays_and_is_the_address(player):
    player.get_by_role("link", name="Customer interrupts").first.click()
    heard(player, 5)
    expect(player.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    assert "#t=4" in player.url


def test_the_longest_silence_is_a_link_to_it(player):
    player.locator(".moment-link").click()
    heard(player, 127)


def test_marks_under_the_waveform_are_buttons_with_names(player):
    marks = player.get_by_role("toolbar", name="Moments in view")
    hold = marks.get_by_role("button", name="2 moments from 2:10: Muted: key tones, On hold")
    expect(hold).to_be_visible()
    hold.click()
    heard(player, 130)
    marks.get_by_role("button").first.focus()
    player.keyboard.press("ArrowRight")
    expect(marks.get_by_role("button").nth(1)).to_be_focused()


def test_the_next_and_the_previous_moment_have_keys(player):
    for key, time in ((".", "0:02"), (".", "0:04"), (".", "0:16"), (",", "0:04")):
        player.keyboard.press(key)
        expect(time_of(player)).to_have_text(time)


def test_a_link_to_a_moment_is_honoured_when_opened_and_when_changed(signed_in, own_machine):
    page = signed_in("/recordings")
    page.goto(f"{own_machine.public_url}{LINK}#t=83.5")
    ready(page)
    expect(time_of(page)).to_have_text("1:23")
    page.evaluate("location.hash = '#t=12'")
    expect(time_of(page)).to_have_text("0:12")
    page.evaluate("location.hash = '#t=nonsense'")
    expect(time_of(page)).to_have_text("0:12")


def test_the_link_to_here_is_copied(signed_in, own_machine):
    page = signed_in(LINK, permissions=["clipboard-read", "clipboard-write"])
    ready(page)
    page.keyboard.press("l")
    page.get_by_role("button", name="Copy link at 0:10").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{own_machine.public_url}{LINK}#t=10"


def test_a_clip_is_downloaded_and_linked_to(signed_in, open_page):
    page = ready(signed_in(LINK, permissions=["clipboard-read", "clipboard-write"]))
    page.locator("#clip summary").click()
    page.keyboard.press("l")
    page.get_by_role("button", name="Now is where the clip begins").click()
    page.get_by_role("textbox", name="To").fill("0:12.5")
    with page.expect_download() as started:
        page.get_by_role("button", name="Download clip").click()
    samples, rate = soundfile.read(started.value.path())
    assert started.value.suggested_filename == f"{MAIN_CALL}-10-12.5.wav"
    assert samples.shape == (round(2.5 * rate), 2)
    page.get_by_role("button", name="Copy link to clip").click()
    expect(page.get_by_text("Whoever has the link can hear the clip")).to_be_visible()
    url = page.evaluate("navigator.clipboard.readText()")
    other = open_page()
    assert soundfile.read(io.BytesIO(other.request.get(url).body()))[0].shape == samples.shape


def test_without_scripts_moments_and_notes_are_there_and_a_clip_is_downloaded(
    open_page, own_machine
):
    page = open_page(java_script_enabled=False)
    page.goto(local_sign_in_link(own_machine, LINK))
    expect(page.get_by_role("link", name="On hold")).to_be_visible()
    expect(page.locator("audio")).to_be_visible()
    page.locator("#clip summary").click()
    page.get_by_role("textbox", name="From").fill("1")
    page.get_by_role("textbox", name="To").fill("2")
    with page.expect_download() as started:
        page.get_by_role("button", name="Download clip").click()
    assert started.value.suggested_filename == f"{MAIN_CALL}-1-2.wav"
    page.get_by_label("New note").fill("Written without a script.")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".note-text")).to_have_text("Written without a script.")


def test_a_note_is_written_at_the_moment_and_leads_back_to_it(player):
    for _ in range(3):
        player.keyboard.press("l")
    player.get_by_label("New note").fill("Very <b>friendly</b> here.")
    player.get_by_role("button", name="Add note").click()
    note = player.locator(".note", has_text="Very <b>friendly</b> here.")
    expect(note).to_contain_text("Owner of this machine")
    ready(player)
    note.get_by_role("link", name="Play from 0:30").click()
    heard(player, 30.5)


def test_one_party_is_heard_alone_and_has_a_volume(signed_in):
    page = signed_in("/recordings")
    page.add_init_script("""
        window.gains = [];
        const make = AudioContext.prototype.createGain;
        AudioContext.prototype.createGain = function () {
          const node = make.call(this);
          window.gains.push(node);
          return node;
        };
    """)
    page.goto(page.url.partition("/recordings")[0] + LINK)
    ready(page)
    gains = "window.gains.map((node) => Math.round(node.gain.value * 100) / 100)"
    page.get_by_role("button", name="Agent alone").click()
    assert sorted(page.evaluate(gains)) == [0, 1]
    page.get_by_role("button", name="Customer alone").click()
    expect(page.get_by_role("button", name="Agent alone")).to_have_attribute(
        "aria-pressed", "false"
    )
    assert sorted(page.evaluate(gains)) == [0, 1]
    page.get_by_role("button", name="Customer alone").click()
    page.get_by_label("Volume of Customer").fill("50")
    assert sorted(page.evaluate(gains)) == [0.5, 1]
    page.get_by_role("button", name="Play", exact=True).click()
    heard(page, 1)


def test_a_party_alone_is_heard_on_both_sides_and_else_on_its_own(signed_in):
    page = signed_in("/recordings")
    page.add_init_script("""
        window.sides = [];
        const make = AudioContext.prototype.createStereoPanner;
        AudioContext.prototype.createStereoPanner = function () {
          const node = make.call(this);
          window.sides.push(node);
          return node;
        };
    """)
    page.goto(page.url.partition("/recordings")[0] + LINK)
    ready(page)
    page.get_by_role("button", name="Agent alone").click()
    assert page.evaluate("window.sides.map((node) => node.pan.value)").count(0) == 1
    page.get_by_role("button", name="Agent alone").click()
    assert sorted(page.evaluate("window.sides.map((node) => node.pan.value)")) == [-1, 1]


def test_where_the_parties_share_a_channel_the_page_says_so(signed_in):
    page = ready(signed_in(f"/recordings/{sid('RE', 3)}"))
    expect(page.get_by_text("The parties share one channel")).to_be_visible()
    expect(page.get_by_role("button", name="alone")).to_have_count(0)


def test_silences_are_skipped_where_that_is_wanted(player):
    player.keyboard.press("s")
    expect(player.get_by_role("button", name="Skip silence")).to_have_attribute(
        "aria-pressed", "true"
    )
    player.evaluate("location.hash = '#t=133.5'")
    expect(time_of(player)).to_have_text("2:13")
    player.get_by_role("button", name="Play", exact=True).click()
    heard(player, 147)


def test_the_speed_is_remembered_for_the_next_recording(player, own_machine):
    player.get_by_label("Speed").select_option("1.5")
    player.goto(f"{own_machine.public_url}/recordings/{sid('RE', 2)}")
    ready(player)
    expect(player.get_by_label("Speed")).to_have_value("1.5")
    player.get_by_role("button", name="Play", exact=True).click()
    heard(player, 1)
    assert player.evaluate("document.getElementById('audio').playbackRate") == 1.5


def test_a_clip_is_heard_again_and_again(player):
    player.locator("#clip summary").click()
    player.get_by_role("textbox", name="From").fill("0:10")
    player.get_by_role("textbox", name="To").fill("0:11")
    player.get_by_role("button", name="Loop").click()
    player.evaluate("location.hash = '#t=10'")
    went_back = """new Promise((done) => document.getElementById('audio').addEventListener(
        'seeked', () => done(document.getElementById('audio').currentTime)))"""
    player.get_by_role("button", name="Play", exact=True).click()
    heard(player, 10.2)
    assert player.evaluate(went_back) < 11


def test_the_lock_screen_knows_what_plays(player):
    title = player.evaluate("navigator.mediaSession.metadata.title")
    assert title.startswith("Recording of 4 Mar 2026")


def test_a_call_plays_its_recordings_in_the_order_of_time(signed_in, axe):
    page = ready(signed_in(f"/calls/{TWO_PARTS}"))
    legs = page.get_by_role("region", name="Recordings in the order of time")
    expect(legs.get_by_role("listitem").first).to_contain_text("began 11:31")
    page.get_by_role("link", name="Play recording 2 at 0:42").click()
    heard(page, 43)
    check(page, axe)


def test_who_listened_to_a_call_is_told_at_each_of_its_recordings(signed_in, own_machine):
    page = ready(signed_in(f"/calls/{TWO_PARTS}"))
    page.get_by_role("button", name="Play", exact=True).click()
    heard(page, 1.2)
    with page.expect_response("**/played") as report:
        page.get_by_role("button", name="Pause").click()
    assert report.value.status == 204
    stand.settle()
    page.goto(f"{own_machine.public_url}/recordings/{sid('RE', 3)}")
    expect(page.get_by_label("What was played, by listener")).to_contain_text("Owner of this")


@pytest.fixture(scope="module")
def long_call(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Settings]:
    """A service with an hour of 870 turns, whose audio is a second: nobody hears it here."""
    settings = stand.settings_in(tmp_path_factory.mktemp("long") / "var", redis_url)
    out = io.BytesIO()
    soundfile.write(out, np.zeros((8000, 2)), 8000, format="WAV", subtype="PCM_16")
    archived(
        Archive.from_settings(settings),
        out.getvalue(),
        recording_id=LONG,
        analysis={"result": hour()},
        duration_seconds=3600.0,
    )
    with stand.served(settings) as served:
        yield served


def hour() -> dict[str, Any]:
    """The result of an hour of turns in which each party interrupts a hundred times."""
    turns = np.linspace(0, 3590, 870)
    segments = [
        {
            "channel": number % 2,
            "role": ("customer", "agent")[number % 2],
            "start_seconds": round(float(at), 3),
            "end_seconds": round(float(at) + 3.5, 3),
        }
        for number, at in enumerate(turns)
    ]
    cut_in = [[round(float(at), 2), round(float(at) + 0.6, 2)] for at in turns[::9]]
    return {
        "audio": {
            "duration_seconds": 3600.0,
            "channels": 2,
            "format": "wav",
            "codec": "pcm_s16le",
            "sample_rate_hz": 8000,
        },
        "participants": [
            {"channel": n, "role": role, "turns": None, "level": {"snr_db": None}, "dtmf": {}}
            | {"talk_percent": 40.0, "talk_seconds": 1440.0}
            | {"interruptions": {"count": len(cut_in), "intervals": cut_in}}
            for n, role in enumerate(("customer", "agent"))
        ],
        "segments": segments,
        "flags": [],
    }


def test_an_hour_shows_its_beginning_and_all_of_it_above_in_few_nodes(
    open_page: Open, long_call: Settings, axe: str
):
    page = open_page()
    page.goto(local_sign_in_link(long_call, f"/recordings/{LONG}"))
    ready(page)
    expect(page.locator("#overview")).to_be_visible()
    expect(page.locator("#turns li")).to_have_count(870)
    assert page.evaluate("document.querySelectorAll('*').length") < 5500
    assert page.locator("#marks button").count() <= 40
    box = page.locator("#overview").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 20)
    expect(time_of(page)).to_have_text("30:00")
    expect(page.locator("#turns [aria-current]")).to_be_visible()
    check(page, axe)
