"""`flask serve` as a child of another command: its log, its readiness, and its end.

The child is in a session of its own, so that Ctrl-C reaches it once, from here, and in order.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from addon import environment
from addon.stack.console import Console
from addon.stack.parent_death import dies_with_parent

READY = "Ready on "


class LocalStack:
    """A running `flask serve`, and the log that it writes."""

    def __init__(self, port: int, settings: Mapping[str, str], console: Console) -> None:
        """Start it on `port` with `settings` on top of this process's environment."""
        self._console = console
        self._ready = threading.Event()
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "flask", "serve", "--port", str(port)],
            env={**environment.variables(), **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=dies_with_parent(),
        )
        self._reader = threading.Thread(target=self._pass_log_on, daemon=True)
        self._reader.start()

    def wait_until_ready(self) -> None:
        """Ends this process where it ends before it is ready: it has said why itself."""
        while not self._ready.wait(0.1):
            if self._process.poll() is not None:
                raise SystemExit(1)

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return self._process.wait()

    def stop(self) -> None:
        """End it; a Ctrl-C while that lasts kills it."""
        self._process.terminate()
        try:
            self._process.wait()
        except KeyboardInterrupt:
            self._process.terminate()
            self._process.wait()
        self._reader.join()

    def _pass_log_on(self) -> None:
        for line in self._process.stdout or ():
            self._console.pass_on("serve", line)
            if READY in line and _event(line).startswith(READY):
                self._ready.set()


@contextmanager
def local_stack(port: int, settings: Mapping[str, str], console: Console) -> Iterator[LocalStack]:
    """A stack that ends with the block, also where SIGTERM ends this process."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    stack = LocalStack(port, settings, console)
    try:
        yield stack
    finally:
        stack.stop()
        signal.signal(signal.SIGTERM, before)


def _event(line: str) -> str:
    try:
        return str(json.loads(line)["event"])
    except (ValueError, KeyError, TypeError):
        return ""
