"""A whole service in front of a browser: the app over HTTP on an archive of sample calls.

For the browser tests and for the screenshots.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from playwright.sync_api import Browser, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from addon.factory import create_app
from addon.requests.connections import worker_connection
from addon.settings import Settings
from addon.web.context import EXTENSION, Context

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium_path() -> str | None:
    """The Chromium of CHROMIUM, else the first one on the path."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


class Quiet(WSGIRequestHandler):
    """Says nothing of requests: what fails is seen in the browser."""

    def log_request(self, *args: object) -> None:
        pass


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless, and allowed to play at once: no person is there to click first.

    A page has one process: else each begins with a second one that it hardly uses.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(),
            args=[
                "--autoplay-policy=no-user-gesture-required",
                "--mute-audio",
                "--renderer-process-limit=1",
            ],
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def served(settings: Settings, **changes: Any) -> Iterator[Settings]:
    """The app on a port of its own; yields its settings, whose `public_url` is where it is."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = settings.replace(public_url=url, **changes)
    # The web gives Redis less than half a second; beside a browser that may be too little.
    with patch("addon.web.context.web_connection", worker_connection):
        app = create_app(settings)
        context = app.extensions[EXTENSION]
        assert context.redis  # made now
    with listener:  # the server makes a socket of its own of it
        server = make_server(
            "127.0.0.1", 0, app, threaded=True, request_handler=Quiet, fd=listener.fileno()
        )
    taken: list[socket.socket] = []
    take = server.get_request

    def taking() -> tuple[socket.socket, Any]:
        connection, address = take()
        taken.append(connection)
        return connection, address

    server.get_request = taking  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    _at_work.append(context)
    try:
        yield settings
    finally:
        _at_work.remove(context)
        server.shutdown()
        thread.join()
        for connection in taken:  # Chromium keeps one for a minute on which it asks nothing
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
        server.server_close()
        context.close()


_at_work: list[Context] = []


def settle() -> None:
    """End what the services that run have started for the last pages; they go on afterwards."""
    for context in _at_work:
        context.close()


def settings_in(folder: Path, redis_url: str) -> Settings:
    """Settings of a new deployment in `folder`, with keys of its own."""
    from addon.stack.provision import provision

    env = {"DATA_DIR": str(folder), "REDIS_URL": redis_url}
    provision(Settings.load(env))
    return Settings.load(env)
