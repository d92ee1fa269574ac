"""The suite's own promises, each held against a small run of pytest in a child process."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.stack.running import ROOT

PATIENCE_S = 90
"""Far less than the tests of these runs would take if nobody ended them."""


@pytest.fixture
def run(tmp_path: Path):
    """Runs pytest on one file of tests, with the plugins and limits of this suite."""

    def ran(tests: str, *options: str) -> subprocess.CompletedProcess[str]:
        plugins = 'pytest_plugins = ["tests.dead_workers", "tests.leftovers"]\n'
        (tmp_path / "conftest.py").write_text(plugins)
        (tmp_path / "test_it.py").write_text(textwrap.dedent(tests))
        command = [sys.executable, "-m", "pytest", "--rootdir", str(tmp_path)]
        command += ["--basetemp", str(tmp_path / "base")]
        command += ["-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider", *options]
        return subprocess.run(
            [*command, str(tmp_path / "test_it.py")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )

    return ran


LEAVES = {
    "thread": ("threading.Thread(target=time.sleep, args=(600,), daemon=True).start()", "thread"),
    "process": ("subprocess.Popen(['sleep', '600'])", "process"),
    "orphan": ("subprocess.run(['sh', '-c', 'sleep 600 &'])", "process"),
    "socket": ("kept.append(socket.create_server(('127.0.0.1', 0)))", "socket"),
    "file": ("tempfile.mkdtemp(prefix='left-')", "temporary file"),
}
IMPORTS = (
    "import os, signal, socket, subprocess, tempfile, threading, time\nimport pytest\nkept = []\n"
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """What is left here never ends: the small runs need not wait for it as long as the suite."""
    monkeypatch.setenv("LEFTOVERS_PATIENCE_S", "0.3")


@pytest.mark.parametrize(("statement", "kind"), LEAVES.values(), ids=LEAVES)
def test_what_a_test_leaves_behind_fails_it(run, statement, kind):
    done = run(f"{IMPORTS}\ndef test_leaves():\n    {statement}\n\ndef test_clean():\n    pass\n")
    assert "ERROR at teardown of test_leaves" in done.stdout
    assert f"\n  {kind} " in done.stdout
    assert "2 passed, 1 error" in done.stdout


@pytest.mark.parametrize(("statement", "kind"), LEAVES.values(), ids=LEAVES)
def test_what_a_shared_fixture_leaves_behind_fails_too_and_no_test_is_blamed(run, statement, kind):
    fixture = f"@pytest.fixture(scope='module')\ndef shared():\n    {statement}\n"
    done = run(
        f"{IMPORTS}\n{fixture}\ndef test_uses(shared):\n    pass\n\ndef test_last():\n    pass\n"
    )
    assert "the fixture shared left behind" in done.stdout
    assert f"\n  {kind} " in done.stdout
    assert "test_uses" not in done.stdout


def test_what_ends_in_time_is_no_leftover(run):
    done = run(
        f"""{IMPORTS}
@pytest.fixture(scope='module')
def shared():
    with socket.create_server(('127.0.0.1', 0)), tempfile.TemporaryDirectory():
        child = subprocess.Popen(['sleep', '600'])
        yield
        child.kill()
        child.wait()

def test_ends(shared):
    threading.Thread(target=time.sleep, args=(0.1,)).start()
    with tempfile.TemporaryFile():
        subprocess.run(['true'])
"""
    )
    assert "1 passed" in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize("scheduling", ["worksteal", "loadfile"])
def test_a_dead_worker_fails_the_run_at_once_and_its_test_is_named(run, scheduling):
    """The other worker is at a test that would last for ten minutes."""
    done = run(
        f"""{IMPORTS}
@pytest.mark.parametrize('number', range(50))
def test_lasts(number):
    time.sleep(600)

def test_dies():
    os.kill(os.getpid(), signal.SIGKILL)

class TestOther:
    test_dies = staticmethod(test_dies)
""",
        *("-n", "2", "--dist", scheduling, "-k", "dies or lasts[0]"),
    )
    assert done.returncode != 0
    assert "FAILED test_it.py::" in done.stdout
    assert "test_dies" in done.stdout


LIMITS = {"waiting": "time.sleep(600)", "in C, without the interpreter's lock": "held()"}
HELD = """
import ctypes

def held():
    # PyDLL keeps the interpreter's lock, so that no Python code runs in this process.
    ctypes.PyDLL(None).sleep(600)
"""


@pytest.mark.parametrize("statement", LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_test_that_does_not_end_is_ended_and_named(run, statement, workers):
    limits = ("-o", "timeout=1", "-o", "faulthandler_timeout=4")
    done = run(f"{IMPORTS}{HELD}\ndef test_endless():\n    {statement}\n", *limits, "-n", workers)
    assert done.returncode != 0
    assert "test_endless" in done.stdout + done.stderr


def test_every_test_has_a_limit(request):
    assert float(request.config.getini("timeout")) > 0
    assert request.config.getini("faulthandler_timeout")
