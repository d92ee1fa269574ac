"""One child process: its output in lines, and its end in words."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from addon.stack.child import LONGEST_LINE, Child, Process
from tests.stack.running import alive, wait_until


@contextmanager
def process(code: str) -> Iterator[Process]:
    started = Process(Child("test", [sys.executable, "-u", "-c", code]))
    try:
        yield started
    finally:
        started.end_group(signal.SIGKILL)
        if not started.output.closed:
            started.last_lines()


def test_lines_are_whole_and_the_rest_comes_at_the_end() -> None:
    with process("print('one'); print('two'); print('half', end='')") as it:
        wait_until(lambda: it.ended() is not None)
        assert it.lines() == ["one", "two"]
        assert it.last_lines() == ["half"]
        assert it.ended() == "ended with exit code 0"


def test_reading_never_waits() -> None:
    with process("import time; time.sleep(600)") as it:
        assert it.lines() == []
        assert it.ended() is None


def test_a_line_without_end_is_passed_on_while_it_is_written() -> None:
    code = f"print('x' * {2 * LONGEST_LINE}, end='', flush=True); import time; time.sleep(600)"
    with process(code) as it:
        lines: list[str] = []
        wait_until(lambda: bool(lines.extend(it.lines())) or bool(lines))
        assert set("".join(lines)) == {"x"}
        assert it.ended() is None


@pytest.mark.parametrize("code", ["raise SystemExit(3)", "import os; os.kill(os.getpid(), 9)"])
def test_an_end_is_said_in_words(code: str) -> None:
    with process(code) as it:
        wait_until(lambda: it.ended() is not None)
        assert it.ended() in ("ended with exit code 3", "was killed by SIGKILL")


def test_its_whole_group_ends() -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid, flush=True); input()"
    with process(code + "\nimport time; time.sleep(600)") as it:
        lines: list[str] = []
        wait_until(lambda: bool(lines.extend(it.lines())) or bool(lines))
        it.end_group(signal.SIGKILL)
        wait_until(lambda: not alive(int(lines[0])))


def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(OSError, match="no-such-program"):
        Process(Child("test", ["/no-such-program"]))
