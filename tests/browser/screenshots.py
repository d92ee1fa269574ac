"""Makes the README's pictures: `make screenshots` writes docs/images from a service of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from addon.archive.archive import Archive
from addon.catalogue import Catalogue
from addon.stack.redis_server import command, missing
from addon.web.local_sign_in import local_sign_in_link
from tests.browser import busy_weeks, sample_calls, stand

IMAGES = Path(__file__).parents[2] / "docs" / "images"
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 800}
PLAYER = f"/recordings/{sample_calls.MAIN_CALL}"


@contextmanager
def redis_in(folder: Path) -> Iterator[str]:
    """A Redis of our own; yields its URL."""
    socket = folder / "redis.sock"
    server = subprocess.Popen(command(socket, folder), stdout=subprocess.DEVNULL)
    try:
        while missing(f"unix://{socket}") is not None:
            time.sleep(0.05)
        yield f"unix://{socket}"
    finally:
        server.terminate()
        server.wait(10)


def pictures(browser: Browser, link: str, origin: str) -> None:
    """The list, the overview and the player, the player in the dark and on a phone too."""
    context = browser.new_context(viewport=DESK, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(link)
    take(page, "list")
    page.goto(f"{origin}/overview?from=2026-02-17&to=2026-03-04")
    take(page, "overview")
    open_player(page, origin)
    take(page, "player")
    page.emulate_media(color_scheme="dark")
    open_player(page, origin)
    take(page, "player-dark")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    open_player(page, origin)
    take(page, "player-phone")
    context.close()


def open_player(page: Page, origin: str) -> None:
    """In the middle of the call, with the mouse out of the picture."""
    page.goto(f"{origin}{PLAYER}#t=43.5")
    page.reload()  # the same address with another moment is no new page
    expect(page.locator("#player")).to_have_attribute("data-state", "ready")
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.mouse.move(0, 0)
    expect(page.locator("#time")).to_have_text("0:43")


def take(page: Page, name: str) -> None:
    """One picture of the window."""
    page.screenshot(path=IMAGES / f"{name}.png")
    print(f"docs/images/{name}.png", f"{(IMAGES / f'{name}.png').stat().st_size // 1024} kB")


def main() -> None:
    """Everything, in a folder that is removed afterwards."""
    if stand.chromium_path() is None:
        sys.exit("no Chromium: install it, or name it in CHROMIUM")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, redis_in(Path(folder)) as redis_url:
        settings = stand.settings_in(Path(folder) / "var", redis_url)
        archive = Archive.from_settings(settings)
        sample_calls.archive_calls(archive)
        last = sample_calls.NIGHT + timedelta(hours=18)
        busy_weeks.fill(archive, Catalogue.from_settings(settings), last)
        with stand.served(settings) as served, stand.chromium() as browser:
            pictures(browser, local_sign_in_link(served), served.public_url)


if __name__ == "__main__":
    main()
