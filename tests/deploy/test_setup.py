"""`bin/setup`, with a pip that only says what the real one does."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.stack.running import ROOT

PIP = """#!/bin/sh
case "$*" in
*install*) ;;
*) exit 0 ;;
esac
echo 'Collecting numpy==2.1.0 (from -r requirements.txt (line 1))'
echo '  Downloading numpy-2.1.0.whl (16.1 MB)'
[ ! -e refuse ] || { echo 'ERROR: no matching distribution'; exit 1; }
echo 'Installing collected packages: numpy'
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout whose .venv has a Python of ours."""
    (tmp_path / "bin").mkdir()
    for script in ("setup", "find-python"):
        shutil.copy(ROOT / "bin" / script, tmp_path / "bin" / script)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements.txt").write_text("numpy==2.1.0\n")
    (tmp_path / "requirements" / "plot.txt").write_text("")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PIP)
    python.chmod(0o755)
    return tmp_path


def setup(tree: Path, **given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tree / "bin" / "setup"],
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
    )


def test_it_names_each_package_as_it_comes_and_does_nothing_the_next_time(tree: Path) -> None:
    done = setup(tree)
    assert done.returncode == 0, done.stderr
    assert "  numpy 2.1.0\n  unpacking\n" in done.stdout
    assert setup(tree).stdout == ""


def test_what_fails_is_shown_as_pip_says_it_and_tried_again(tree: Path) -> None:
    (tree / "refuse").touch()
    failed = setup(tree)
    assert failed.returncode == 1
    assert failed.stderr == "ERROR: no matching distribution\n"
    (tree / "refuse").unlink()
    assert setup(tree).returncode == 0


def test_a_python_that_was_named_and_does_not_work_is_refused_though_all_is_there(
    tree: Path,
) -> None:
    assert setup(tree).returncode == 0
    refused = setup(tree, PYTHON="/nowhere/python3")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("PYTHON=/nowhere/python3 is no Python")
