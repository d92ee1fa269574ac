"""Damaged files of every kind end in samples or in the one named error, never in a crash."""

from __future__ import annotations

import subprocess
import sys


def test_hundreds_of_damaged_files_crash_nothing():
    """In a process of its own: a crash in C would end the tests with it."""
    command = [sys.executable, "-m", "tests.audio.hostile", "7", "60", "400"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]
    cases, read = map(int, done.stdout.split())
    assert cases > 50
    assert cases / 10 < read < cases
