"""The suite's own promises, each held against small tests that pytest runs in a child process."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stack.running import ROOT

PLUGINS = ["tests.dead_workers", "tests.leftovers", "tests.distribution"]

DISTRIBUTION = ("--dist", "loadfile", "--no-loadscope-reorder")
"""As the Makefile has it."""

PATIENCE_S = 120
"""Far less than the tests of these runs would take if nobody ended them."""

IMPORTS = "import ctypes, os, signal, socket, subprocess, tempfile, threading, time, pytest\n"

LEAVES = {
    "thread": "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
    "process": "subprocess.Popen(['sleep', '600'])",
    "orphan": "subprocess.run(['sh', '-c', 'sleep 600 &'])",
    "socket": "kept.append(socket.create_server(('127.0.0.1', 0)))",
    "file": "tempfile.mkdtemp()",
}
KINDS = {
    "thread": "thread",
    "process": "process",
    "orphan": "process",
    "socket": "socket",
    "file": "temporary file",
}

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs pytest on small files of tests, with this suite's plugins; gives what it said.

    Nothing that these tests leave would ever end, so it is not waited for.
    """
    monkeypatch.setenv("LEFTOVERS_PATIENCE_S", "0.3")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # some take a second to load

    def ran(*options: str, **files: str) -> str:
        (tmp_path / "conftest.py").write_text(f"pytest_plugins = {PLUGINS}\n")
        for name, tests in files.items():
            path = tmp_path / (f"{name}.py" if "/" in name else f"test_{name}.py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(IMPORTS + tests)
        command = [sys.executable, "-m", "pytest", "--rootdir", str(tmp_path), str(tmp_path)]
        command += ["-c", str(ROOT / "pyproject.toml"), "--basetemp", str(tmp_path / "base")]
        done = subprocess.run(
            [*command, "-p", "xdist", "-p", "pytest_timeout", "-p", "no:cacheprovider", *options],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_S,
        )
        return f"{done.stdout}\nexit code {done.returncode}"

    return ran


def test_what_a_test_leaves_behind_fails_it(run):
    leaving = [f"def test_{name}():\n    {leave}\n\n" for name, leave in LEAVES.items()]
    said = run(it="kept = []\n\n" + "".join(leaving))
    for name, kind in KINDS.items():
        _, _, report = said.partition(f"ERROR at teardown of test_{name} _")
        assert f"the test left behind:\n  {kind} " in report[:300]
    assert "5 passed, 5 errors" in said


def test_what_a_shared_fixture_leaves_behind_fails_too_and_its_tests_are_not_blamed(run):
    leaving = [
        f"@pytest.fixture(scope='module')\ndef shared_{name}():\n    {leave}\n\n"
        f"def test_{name}(shared_{name}):\n    pass\n\n"
        for name, leave in LEAVES.items()
    ]
    said = run(it="kept = []\n\n" + "".join(leaving))
    for name, kind in KINDS.items():
        assert f"the fixture shared_{name} left behind:\n  {kind} " in said
    assert "the test left" not in said
    assert "5 passed, 1 error" in said


def test_what_ends_with_its_test_or_fixture_is_no_leftover(run):
    said = run(
        it="""
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

def test_other(shared):
    pass
"""
    )
    assert "2 passed" in said
    assert "exit code 0" in said


def test_a_dead_worker_ends_the_run_at_once_and_its_test_is_named(run):
    """The other worker is at a test that lasts for ten minutes."""
    lasting = "@pytest.mark.parametrize('n', range(2))\ndef test_lasts(n):\n    time.sleep(600)\n"
    dying = (
        "def test_dies():\n    os.kill(os.getpid(), signal.SIGKILL)\n\ndef test_last():\n    pass\n"
    )
    said = run("-n", "2", *DISTRIBUTION, a=lasting, b=dying)
    assert "crashed while running 'test_b.py::test_dies'" in said
    assert "FAILED test_b.py::test_dies" in said
    assert "exit code 2" in said


def test_the_files_of_the_browser_begin_and_run_in_one_worker(run):
    short = "def test_short():\n    pass\n"
    long = f"@pytest.mark.slow\ndef test_long():\n    pass\n\n{short}"
    files = {"a": short, "tests/browser/test_b": long, "c": short, "tests/browser/test_d": long}

    def passed(workers: str) -> list[tuple[str, str]]:
        said = run("-n", workers, "-v", *DISTRIBUTION, **files)
        return re.findall(r"\[(gw\d)\].* PASSED \S*test_(\w)\.py::", said)

    assert [file for _, file in passed("1")] == ["b", "b", "d", "d", "a", "c"]
    assert len({worker for worker, file in passed("2") if file in "bd"}) == 1


def test_a_test_that_waits_for_ever_fails_and_is_named(run):
    said = run("-o", "timeout=1", it="def test_waits():\n    threading.Event().wait()\n")
    assert "FAILED test_it.py::test_waits - Failed: Timeout" in said


def test_a_test_that_holds_the_interpreters_lock_for_ever_is_ended_and_named(run):
    """No Python code can run in its process any more, so the process ends."""
    endless = (
        "def test_holds():\n"
        "    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n"
        "    ctypes.PyDLL(None).sleep(600)\n"
    )
    said = run("-n", "1", "-o", "timeout=1", "-o", "faulthandler_timeout=3", it=endless)
    assert "FAILED test_it.py::test_holds" in said
    assert "exit code 2" in said


def test_every_test_has_a_time_limit(request):
    assert float(request.config.getini("timeout")) > 0
    assert float(request.config.getini("faulthandler_timeout")) > 0
    assert request.config.getini("faulthandler_exit_on_timeout")
