"""Every page, on a desk, on a phone in the dark and zoomed: axe-core finds nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.sample_calls import MAIN_CALL, sid

SIGNED_IN = {
    "list": "/recordings",
    "empty list": "/recordings?day=2020-01-01",
    "player": f"/recordings/{MAIN_CALL}",
    "call": f"/calls/{sid('CA', 1)}",
    "silent player": f"/recordings/{sid('RE', 7)}",
    "nothing found": "/recordings?q=RE0",
    "not found": "/recordings/RE0",
}
PUBLIC = {
    "sign in": "/login",
    "signed out": "/signed-out",
    "docs, quick start": "/docs",
    "docs, the result": "/docs/result",
    "docs, examples": "/docs/examples",
    "docs, errors": "/docs/errors",
    "docs, limits": "/docs/limits",
    "docs, data": "/docs/data",
    "docs, testing": "/docs/testing",
    "docs, API": "/docs/api",
    "docs, API reference": "/docs/api/reference",
}
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
ZOOMED = {"width": 320, "height": 225}
"""A desk's window at 400 % (WCAG 1.4.10)."""
LOOKS = (("light", DESK, True), ("dark", PHONE, True), ("light", ZOOMED, False))
"""Colours, window, and whether contrasts are measured: those of the light page once."""


def check(page: Page, axe: str) -> None:
    """No finding in any look, and nothing wider than the window."""
    page.evaluate(axe)
    for scheme, window, contrasts in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size(window)  # type: ignore[arg-type]
        assert findings(page, contrasts) == [], f"{scheme}, {window['width']} pixels"
        assert not sideways(page), f"{window['width']} pixels"


def findings(page: Page, contrasts: bool = True) -> list[str]:
    # Preloading would write style sheets into the page, which its policy forbids. All that is well
    # would be named too, which takes three times as long.
    violations = page.evaluate(
        """async contrasts => (await axe.run({
            preload: false,
            resultTypes: ["violations"],
            rules: {"color-contrast": {enabled: contrasts}},
        })).violations""",
        contrasts,
    )
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in violations
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("path", SIGNED_IN.values(), ids=SIGNED_IN)
def test_a_page_behind_the_sign_in(signed_in: Callable[..., Page], axe: str, path: str):
    page = signed_in(path, expect_failures=path.endswith("/RE0"))
    if page.locator("#player").count():
        expect(page.locator("#player")).to_have_attribute("data-state", "ready")
    check(page, axe)


@pytest.mark.parametrize("path", PUBLIC.values(), ids=PUBLIC)
def test_a_page_for_everybody(
    open_page: Callable[..., Page], own_machine: Any, axe: str, path: str
):
    page = open_page()
    page.goto(own_machine.public_url + path)
    check(page, axe)


def sideways(page: Page) -> bool:
    """Whether the page is wider than its window."""
    found: bool = page.evaluate(
        "document.scrollingElement.scrollWidth > document.scrollingElement.clientWidth"
    )
    return found


def test_the_first_tab_stop_skips_to_the_content(signed_in: Callable[..., Page]):
    page = signed_in("/recordings")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_the_list_is_read_aloud_with_its_figures(signed_in: Callable[..., Page]):
    page = signed_in("/recordings")
    first = page.get_by_role("row").filter(has=page.locator(".row-link")).first
    expect(first.get_by_role("link", name="Recording of 15:42, 2 min 31 s")).to_be_visible()
    expect(first.get_by_role("img")).to_have_attribute(
        "aria-label", "Agent alone 40 %, Both at once 5 %, Customer alone 25 %, Silence 30 %"
    )
