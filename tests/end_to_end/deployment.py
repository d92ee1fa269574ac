"""A whole deployment in its own folder: `flask serve`, and a Marketplace that it may talk to."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from addon.archive.archive import Archive
from addon.commands.marketplace import Marketplace
from addon.settings import Settings
from tests.stack.running import PATIENCE_S, Running, free_port, python, running
from workers.services import Services


@dataclass
class Deployment:
    """What runs, and how to reach it."""

    stack: Running
    url: str
    market: Marketplace
    settings: Settings

    @property
    def invocations(self) -> str:
        return f"{self.url}/recording-analysis"

    @property
    def archive(self) -> Archive:
        return Archive.from_settings(self.settings)

    def services(self) -> Services:
        """A patient look at the same Redis and store."""
        return Services.from_settings(self.settings)

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


@contextmanager
def deployed(folder: Path, *, workers: int = 1, **env: str) -> Iterator[Deployment]:
    """Start a deployment and wait until it is ready; it is stopped at the end."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with Marketplace("", "", credentials="stand-in:its-own-password") as market:
        variables = {
            "DATA_DIR": str(folder / "var"),
            "PUBLIC_URL": url,
            "CALLBACK_HOSTS": market.origin,
            "CALLBACK_CREDENTIALS": f"{market.origin}={market.credentials}",
            "MEDIA_HOSTS": market.origin,
            "WEB_CONCURRENCY": "2",
            **env,
        }
        command = python("-m", "flask", "serve", "--port", str(port), "--workers", str(workers))
        with running(command, variables) as stack:
            stack.wait_for_event("Ready on ")
            settings = Settings.load(variables)
            market.account_sid = settings.twilio_account_sid
            market.auth_token = settings.twilio_auth_token
            yield Deployment(stack, url, market, settings)


def eventually(condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Wait for something that is bound to happen."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.05)


def document(body: bytes) -> dict[str, object]:
    parsed: dict[str, object] = json.loads(body)
    return parsed
