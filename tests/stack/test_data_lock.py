"""One stack per folder, whoever died and however."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from addon.errors import SettingsError
from addon.stack.data_lock import data_lock
from tests.stack.running import ROOT, alive, wait_until

HOLD = """
import subprocess, sys, time
from pathlib import Path
from addon.stack.data_lock import data_lock
with data_lock(Path(sys.argv[1])) as descriptor:
    child = subprocess.Popen(["sleep", "600"], pass_fds=[descriptor])
    print(child.pid, flush=True)
    time.sleep(600)
"""


def test_it_makes_the_folder_for_its_owner_and_can_be_taken_again(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    for _ in range(2):
        with data_lock(folder):
            assert folder.stat().st_mode & 0o777 == 0o700


def test_a_second_holder_is_told_of_the_first_at_once(tmp_path: Path) -> None:
    expected = rf"in use by another `flask serve` \(process {os.getpid()}\)"
    with (
        data_lock(tmp_path),
        pytest.raises(SettingsError, match=expected),
        data_lock(tmp_path, patience=3600),
    ):
        pass


def test_what_a_killed_supervisor_left_is_waited_for(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    orphan = int(holder.stdout.readline())
    try:
        holder.kill()
        holder.wait()
        with pytest.raises(SettingsError, match="left behind"), data_lock(tmp_path, patience=0.2):
            pass
    finally:
        os.kill(orphan, signal.SIGKILL)
        holder.stdout.close()
    with data_lock(tmp_path):
        assert (tmp_path / "serve.lock").read_text() == str(os.getpid())


LEFT = """
import os, signal, sys, time
from pathlib import Path
from addon.stack.data_lock import data_lock
with data_lock(Path(sys.argv[1])):
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print(os.getpid(), flush=True)
    time.sleep(600)
"""
WAIT = """
import sys
from pathlib import Path
from addon.stack.data_lock import data_lock
print("waits", flush=True)
with data_lock(Path(sys.argv[1]), kill_after=3600):
    print("has it", flush=True)
    sys.stdin.read()
"""


def program(code: str, folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_what_a_killed_supervisor_left_is_ended_and_nobody_else(tmp_path: Path) -> None:
    with program(LEFT, tmp_path) as left:
        assert left.stdout is not None
        orphan = int(left.stdout.readline())
        left.wait()
        with program(WAIT, tmp_path) as other:
            assert other.stdout is not None
            assert other.stdin is not None
            assert other.stdout.readline() == "waits\n"
            wait_until(lambda: str(tmp_path) in opened(other.pid))
            try:
                with data_lock(tmp_path, kill_after=0):
                    assert not alive(orphan)
            except SettingsError as error:
                assert f"(process {other.pid})" in error.message  # it was quicker, and lives
            assert other.stdout.readline() == "has it\n"
            other.stdin.close()
        assert other.returncode == 0
        assert not alive(orphan)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_supervisor_that_is_dead_but_not_reaped_is_not_in_the_way(tmp_path: Path) -> None:
    with program(HOLD, tmp_path) as holder:
        assert holder.stdout is not None
        orphan = int(holder.stdout.readline())
        holder.kill()
        wait_until(lambda: not alive(holder.pid))
        with data_lock(tmp_path, kill_after=0):
            assert not alive(orphan)


def opened(pid: int) -> str:
    """The files that a process has open."""
    return " ".join(str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with (
        pytest.raises(SettingsError, match=r"^DATA_DIR .* cannot be written: Permission denied"),
        data_lock(tmp_path),
    ):
        pass


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(SettingsError, match=r"^DATA_DIR .*/file/var cannot be written: Not a dir"),
        data_lock(tmp_path / "file" / "var"),
    ):
        pass
