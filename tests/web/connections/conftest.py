"""A real gunicorn for the tests of slow clients."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from addon.stack.web_server import listen
from tests.stack.running import ROOT
from tests.web.connections.slow_clients import THREADS


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a gunicorn that runs `reading_app` with our worker."""
    with listen("127.0.0.1", 0) as listener:
        options = ["--bind", f"fd://{listener.fileno()}", "--no-control-socket"]
        concurrency = [
            "--worker-class",
            "tests.web.connections.reading_app.Worker",
            "--threads",
            str(THREADS),
            # gunicorn.conf.py is read too, and has two.
            "--workers",
            "1",
        ]
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                *options,
                *concurrency,
                "tests.web.connections.reading_app:app",
            ],
            cwd=ROOT,
            pass_fds=[listener.fileno()],
            stderr=subprocess.DEVNULL,
        )
        try:
            yield listener.getsockname()[1]
        finally:
            server.terminate()
            server.wait()
