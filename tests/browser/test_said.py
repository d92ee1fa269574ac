"""What rules found in a call, as a person meets it: a list whose places play."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from addon.analysis import Options
from addon.analysis.rules import open_rules
from addon.archive.archive import Archive
from addon.settings import Settings
from addon.web.local_sign_in import local_sign_in_link
from tests.analysis import calls
from tests.analysis.test_transcription import Scripted
from tests.browser import stand
from tests.browser.sample_calls import NIGHT, archive_call
from tests.browser.test_accessibility import check


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Settings]:
    settings = stand.settings_in(tmp_path_factory.mktemp("said") / "var", redis_url)
    with stand.served(settings) as served:
        yield served


def test_a_place_plays_from_where_it_was_said(
    open_page: Callable[..., Page], service: Settings, axe: str
):
    script = "Well I want a refund. I want to speak to a super visor."
    options = Options(transcriber=Scripted(script), rules=open_rules("starter"), waveform=True)
    audio = calls.wav(calls.converse(40, 1).samples)
    name = archive_call(Archive.from_settings(service), 1, audio, at=NIGHT, options=options)
    page = open_page()
    page.goto(local_sign_in_link(service, f"/recordings/{name}"))
    expect(page.locator("#player")).to_have_attribute("data-state", "ready")
    expect(page.locator("#said li.missing")).to_have_text("Recording notice Agent: not said")
    expect(page.locator(".badge", has_text="Escalation")).to_be_visible()
    place = page.locator("#said button", has_text="super visor").last
    start = float(place.get_attribute("data-start") or 0)
    assert start > 5
    place.click()
    page.wait_for_function("s => document.getElementById('audio').currentTime > s", arg=start)
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    check(page, axe)
