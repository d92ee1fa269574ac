"""A recording that nobody may hear, as a person meets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from addon.archive.archive import Archive
from addon.settings import Settings
from addon.web.local_sign_in import local_sign_in_link
from tests.analysis import calls
from tests.browser import stand
from tests.browser.sample_calls import NIGHT, archive_call
from tests.browser.test_accessibility import check


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Settings]:
    """The service with REDACT_DTMF=required."""
    settings = stand.settings_in(tmp_path_factory.mktemp("strict") / "var", redis_url)
    with stand.served(settings, redact_dtmf="required") as served:
        yield served


@pytest.fixture(scope="module")
def damaged(strict: Settings) -> str:
    """The id of an archived recording of which a part could not be read."""
    samples = calls.converse(20, 1).samples
    recording = bytearray(calls.encoded(samples, format="FLAC", subtype="PCM_16"))
    middle = len(recording) // 2
    recording[middle : middle + 3000] = bytes(3000)
    return archive_call(Archive.from_settings(strict), 1, bytes(recording), at=NIGHT)


def test_the_page_says_why_and_asks_for_no_sound(
    open_page: Callable[..., Page], strict: Settings, damaged: str, axe: str
):
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(local_sign_in_link(strict, f"/recordings/{damaged}"))
    expect(page.get_by_text("This recording is withheld: digits may remain")).to_be_visible()
    expect(page.locator("audio")).to_have_count(0)
    expect(page.get_by_role("link", name="Download")).to_have_count(0)
    expect(page.locator(".badge", has_text="Withheld")).to_be_visible()
    check(page, axe)
    assert not [url for url in asked if "/audio" in url or "/media/" in url]
