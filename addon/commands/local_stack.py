"""`flask serve` as a child of another command: its log, its readiness, and its end.

The child is in a session of its own, so that Ctrl-C reaches it once, from here, and in order.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from addon import environment, running_stack
from addon.settings import Settings
from addon.stack.child import how_it_ended
from addon.stack.console import Console
from addon.stack.parent_death import dies_with_parent

LOOK_S = 0.1
"""Between two looks at the child."""


class LocalStack:
    """A running `flask serve`, and the log that it writes."""

    def __init__(self, port: int, settings: Mapping[str, str], console: Console) -> None:
        """Start it on `port` with `settings` on top of this process's environment."""
        self._console = console
        given = {**environment.variables(), **settings}
        usual = Settings.model_fields["data_dir"].default
        self._data_dir = Path(given.get("DATA_DIR", "").strip() or usual)
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "flask", "serve", "--port", str(port)],
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=dies_with_parent(),
        )
        self._reader = threading.Thread(target=self._pass_log_on, daemon=True)
        self._reader.start()

    def wait_until_ready(self) -> None:
        """Ends this process where the stack ends before it is ready."""
        while not running_stack.is_ready(self._data_dir, self._process.pid):
            if self._process.poll() is not None:
                self.say_how_it_ended()
                raise SystemExit(1)
            time.sleep(LOOK_S)

    def wait(self) -> int:
        """Its exit code, once it has ended; 0 also once nobody reads what is written here."""
        while self._process.poll() is None and self._console.is_read:
            time.sleep(LOOK_S)
        return self._process.returncode or 0

    def say_how_it_ended(self) -> None:
        """Say how it ended where it could not say so itself: it was killed."""
        if self._process.returncode < 0:
            self._console.show(f"Error: `flask serve` {how_it_ended(self._process.returncode)}")

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
