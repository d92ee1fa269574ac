"""`python -m workers`: the command line of all worker processes of one machine."""

from __future__ import annotations

import subprocess

from tests.stack.running import ROOT, python


def test_help_names_the_options_and_starts_nothing():
    ran = subprocess.run(
        python("-m", "workers", "--help"), cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "--workers" in ran.stdout
    assert "--queues" in ran.stdout


def test_it_starts_only_as_a_command():
    ran = subprocess.run(
        python("-c", "import workers.__main__"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == ran.stderr == ""
