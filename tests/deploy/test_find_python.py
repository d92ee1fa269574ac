"""Which Python `make setup` takes, where names on the PATH lie."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.running import ROOT

FIND = ROOT / "bin" / "find-python"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A PATH with nothing but what the script itself needs."""
    for tool in ("sh", "env"):
        (tmp_path / tool).symlink_to(Path("/bin") / tool)
    return tmp_path


def add(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def find(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(FIND)],
        env={"PATH": str(folder), "HOME": str(folder), **env},
        capture_output=True,
        text=True,
    )


def test_a_version_managers_failing_stand_in_is_passed_over(folder: Path) -> None:
    add(folder, "python3", "echo 'python3: command not found' >&2; exit 127")
    add(folder, "python3.12", f'exec "{sys.executable}" "$@"')
    assert find(folder).stdout.strip() == sys.executable


def test_a_named_one_comes_first(folder: Path) -> None:
    add(folder, "python3", "exit 1")
    assert find(folder, PYTHON=sys.executable).stdout.strip() == sys.executable


@pytest.mark.parametrize("named", ["/nowhere/python3", "python3"])
def test_a_named_one_that_does_not_work_is_refused_and_no_other_taken(
    folder: Path, named: str
) -> None:
    add(folder, "python3", "exit 1")
    add(folder, "python3.12", f'exec "{sys.executable}" "$@"')
    found = find(folder, PYTHON=named)
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr.startswith(f"PYTHON={named} is no Python")


def test_one_that_a_version_manager_keeps_is_found(folder: Path) -> None:
    kept = folder / ".pyenv" / "versions" / "3.12.1" / "bin"
    kept.mkdir(parents=True)
    add(folder, "python3", "exit 127")
    add(kept, "python3", f'exec "{sys.executable}" "$@"')
    found = find(folder)
    assert found.returncode == 0
    assert Path(found.stdout.strip()).is_absolute()


def test_what_cannot_make_an_environment_is_not_taken(folder: Path) -> None:
    """Debian's own python3 has no venv until python3-venv is installed."""
    add(folder, "python3", f'exec "{sys.executable}" -c "raise SystemExit(1)"')
    add(folder, "python3.11", f'exec "{sys.executable}" "$@"')
    assert find(folder).stdout.strip() == sys.executable
