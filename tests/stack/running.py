"""Starts a stack in a process of its own, reads what it says, and asks whether a process lives."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from addon.stack.web_server import listen

ROOT = Path(__file__).parents[2]
PATIENCE_S = 90.0
"""Far more than anything here takes: only a broken stack waits so long."""


class Running:
    """A stack's process and the JSON lines it has written so far."""

    def __init__(self, argv: Sequence[str], env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.records: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                record = json.loads(line)
            except ValueError:
                record = {"event": line.rstrip()}  # a sentence of the command itself
            with self._changed:
                self.records.append(record)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool], count: int = 1) -> dict[str, Any]:
        """The `count`-th record that is `wanted`; fails with the log where it never comes."""
        deadline = time.monotonic() + PATIENCE_S
        with self._changed:
            while True:
                found = [record for record in self.records if wanted(record)]
                if len(found) >= count:
                    return found[count - 1]
                left = deadline - time.monotonic()
                if left <= 0 or not (self._reader.is_alive() or self._changed.wait(0.1)):
                    raise AssertionError(f"never said; the log: {self.events}")
                self._changed.wait(min(left, 0.5))

    def wait_for_event(self, text: str, count: int = 1) -> dict[str, Any]:
        """The `count`-th record whose event contains `text`."""
        return self.wait_for(lambda record: text in str(record.get("event")), count)

    def wait_for_pid(self, name: str, count: int = 1) -> int:
        """The number that a child named `name` printed at its `count`-th start."""
        record = self.wait_for(
            lambda record: (
                record.get("process") == name and str(record["event"]).startswith("pid ")
            ),
            count,
        )
        return int(str(record["event"]).split()[1])

    @property
    def events(self) -> list[str]:
        return [f"{record.get('process')}: {record.get('event')}" for record in self.records]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """Its exit code, once it has ended and all its output is read."""
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code


@contextlib.contextmanager
def running(argv: Sequence[str], env: dict[str, str] | None = None) -> Iterator[Running]:
    """A stack that is stopped at the end, whatever the test did."""
    stack = Running(argv, {**os.environ, **(env or {})})
    try:
        yield stack
    finally:
        if stack.process.poll() is None:
            stack.signal(signal.SIGTERM)
            try:
                stack.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                stack.process.kill()
        stack.wait()


def python(*words: str) -> list[str]:
    return [sys.executable, *words]


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not yet reaped does not."""
    return state(pid) not in (None, "Z")


def state(pid: int) -> str | None:
    """A process's state as ps(1) names it, "T" where it is stopped; None where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def descendants(pid: int) -> set[int]:
    """Every living process below `pid`."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    found: set[int] = set()
    wanted = {pid}
    while wanted:
        wanted = {child for child, parent in parents.items() if parent in wanted} - found
        found |= wanted
    return found


def free_port() -> int:
    with listen("127.0.0.1", 0) as listener:
        return int(listener.getsockname()[1])
