"""A whole deployment in which everything is fine, from its environment, and ways to break it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import patch

from click.testing import CliRunner, Result

from addon.checks.table import CHECKS, run
from addon.commands.check import check
from addon.settings import Settings

KEPT = ("PATH", "HOME", "TMPDIR", "PYTHON_DOTENV_DISABLED", "FLASK_SKIP_DOTENV")


@dataclass
class Deployment:
    """The environment of a deployment; `check` runs `flask check` in it with some changes."""

    env: dict[str, str]
    clock: list[float] = field(default_factory=lambda: [0.0])

    def environment(self, changes: Mapping[str, str | None]) -> dict[str, str]:
        """The environment with changes; None takes a variable away."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        merged = {**kept, **self.env, **changes}
        return {name: value for name, value in merged.items() if value is not None}

    def check(self, *options: str, **changes: str | None) -> Result:
        """`flask check` in this environment."""
        with patch.dict(os.environ, self.environment(changes), clear=True):
            return CliRunner().invoke(check, options, catch_exceptions=False)

    def found(self, subject: str, **changes: str | None) -> list[str]:
        """What the one check of this subject finds: `level: sentence. remedy`."""
        row = next(each for each in CHECKS if each.subject == subject)
        with patch.dict(os.environ, self.environment(changes), clear=True):
            (result,) = run(Settings.load(), [row])
        return [f"{each.level}: {each.sentence}. {each.remedy}" for each in result.findings]


@contextmanager
def dated_server(ahead: list[float]) -> Iterator[str]:
    """A server that answers 404 with the date of now and so many seconds."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response_only(404)
            self.send_header("Date", formatdate(time.time() + ahead[0], usegmt=True))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
