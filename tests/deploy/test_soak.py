"""bin/soak: run after run under load, until one fails; and the load ends however it ends."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.running import PATIENCE_S, ROOT, alive, descendants, wait_until

FAKE = """#!/bin/sh
# Stands for .venv/bin/python: real for the load, scripted for pytest.
[ "$1" = -c ] && exec {python} "$@"
{pytest}
"""


@pytest.fixture
def soak(tmp_path: Path):
    """Starts bin/soak in a folder where pytest is a line of shell script."""
    started: list[subprocess.Popen[str]] = []

    def start(pytest_line: str, runs: int) -> subprocess.Popen[str]:
        for folder in ("bin", ".venv/bin"):
            (tmp_path / folder).mkdir(parents=True)
        shutil.copy(ROOT / "bin/soak", tmp_path / "bin")
        python = tmp_path / ".venv/bin/python"
        python.write_text(FAKE.format(python=sys.executable, pytest=pytest_line))
        python.chmod(0o755)
        command = [str(tmp_path / "bin/soak"), str(runs)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, preexec_fn=_signals_of_a_terminal
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def _signals_of_a_terminal() -> None:
    """A shell that inherits an ignored signal, as under nohup, can neither obey nor trap it."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def test_green_runs_are_counted_one_line_each(soak):
    process = soak('echo "=== 7 passed in 0.01s ==="', runs=3)
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert [line.partition(",")[0] for line in said.splitlines()] == [
        f"Run {number} of 3:  7 passed in 0.01s " for number in (1, 2, 3)
    ]


def test_the_first_failure_ends_it_and_is_named(soak):
    process = soak('echo "FAILED tests/test_it.py::test_one - why"; exit 1', runs=3)
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert said.endswith("Run 1 of 3 failed:\nFAILED tests/test_it.py::test_one - why\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_load_ends_with_it(soak, number):
    process = soak("sleep 1", runs=600)
    wait_until(lambda: len(descendants(process.pid)) >= 2)
    below = descendants(process.pid)
    process.send_signal(number)
    wait_until(lambda: not any(alive(pid) for pid in below))
