"""A deployment with sample calls, a real issuer and a real browser, once for all browser tests."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect
from playwright.sync_api import Error as PlaywrightError

from addon.archive.archive import Archive
from addon.settings import Settings
from addon.web.local_sign_in import local_sign_in_link
from tests.browser import sample_calls, stand
from tests.web.issuer import CLIENT_ID, CLIENT_SECRET, PERSON, Issuer

AXE = "axe-core@4.14.1"
TIMEOUT_MS = 20_000
BROKEN_CONNECTION = re.compile(r"net::ERR_(SOCKET_NOT_CONNECTED|CONNECTION_RESET)")
"""Chromium's words where a busy machine closed a connection early. Pages that needed it fail."""

expect.set_options(timeout=TIMEOUT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs Chromium, and says so where it is missing."""
    missing = pytest.mark.skip(reason="no Chromium: install it, or name it in CHROMIUM")
    has_none = stand.chromium_path() is None
    for item in items:
        if item.nodeid.startswith("tests/browser/"):
            item.add_marker(pytest.mark.browser)
            if has_none:
                item.add_marker(missing)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with stand.chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def archived(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Settings:
    """Settings over an archive with the sample calls in it."""
    settings = stand.settings_in(tmp_path_factory.mktemp("browser") / "var", redis_url)
    sample_calls.archive_calls(Archive.from_settings(settings))
    return settings


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    admin = {**PERSON, "groups": ["admin"]}
    with Issuer(person=admin, asks=True, ends_sessions=True) as running:
        yield running


@pytest.fixture(scope="session")
def service(archived: Settings, issuer: Issuer) -> Iterator[Settings]:
    """The service as a company runs it."""
    with stand.served(
        archived,
        oidc_issuer=issuer.url,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
    ) as settings:
        yield settings


@pytest.fixture(scope="session")
def own_machine(archived: Settings) -> Iterator[Settings]:
    """The service as its owner tries it."""
    with stand.served(archived) as settings:
        yield settings


@pytest.fixture(autouse=True)
def services_settle() -> Iterator[None]:
    """What a shared service does for one test does not last beyond it."""
    others = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - others:
        if "process_request_thread" in thread.name:
            _wait_for(thread)  # it may still answer a page that is closed
    stand.settle()


def _wait_for(thread: threading.Thread) -> None:
    """Wait until a thread ends, also one that is listed and not started yet."""
    until = time.monotonic() + 60
    while thread.ident is None and time.monotonic() < until:
        time.sleep(0.01)
    if thread.ident is not None:
        thread.join(60)


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages in contexts of their own; complaints of the browser fail the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []
    requests: list[Request] = []

    def opened(expect_failures: bool = False, **options: object) -> Page:
        options = {"viewport": {"width": 1280, "height": 900}, **options}
        context = chromium.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(TIMEOUT_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: requests.append(request))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if not expect_failures:
            page.on(
                "console",
                lambda line: complaints.append(line.text) if line.type == "error" else None,
            )
        return page

    yield opened
    for context in contexts:
        for page in context.pages:
            with suppress(PlaywrightError):  # a report of what was played must not outlast its test
                page.evaluate("navigator.sendBeacon = () => true")
        context.close()
    assert [each for each in complaints if not BROKEN_CONNECTION.search(each)] == []
    foreign = {
        one.url for one in requests if not one.url.startswith(("http://127.0.0.1:", "data:"))
    }
    assert foreign == set()


@pytest.fixture
def signed_in(open_page: Callable[..., Page], own_machine: Settings) -> Callable[..., Page]:
    """Opens a page of the owner's own machine, signed in."""

    def opened(path: str, **options: object) -> Page:
        page = open_page(**options)
        page.goto(local_sign_in_link(own_machine, path))
        return page

    return opened


@pytest.fixture(scope="session")
def axe(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core's script, from npm; kept in pytest's cache."""
    folder = request.config.cache.mkdir("axe")
    script = folder / f"{AXE}.js"
    if not script.exists():
        work = tmp_path_factory.mktemp("axe")
        try:
            subprocess.run(
                ["npm", "pack", "--silent", AXE], cwd=work, check=True, capture_output=True
            )
        except (OSError, subprocess.CalledProcessError):
            pytest.skip(f"{AXE} cannot be fetched from npm: accessibility is not checked")
        (archive,) = work.glob("*.tgz")
        subprocess.run(["tar", "xzf", archive.name], cwd=work, check=True)
        script.write_text((work / "package" / "axe.min.js").read_text())
    return script.read_text()
