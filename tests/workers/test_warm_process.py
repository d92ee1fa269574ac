"""The warm process: jobs one after another, nothing of one in the next, and replaced in time."""

from __future__ import annotations

import os
import platform
import resource
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from addon import log
from tests.stack.running import alive, wait_until
from workers import first_delivery, marketplace, warm_process
from workers.warm_process import MORE_FILES, MORE_MEMORY, MORE_THREADS, Task, WarmProcess

PATIENCE_S = 60.0
kept: list[object] = []
"""What jobs leave behind in their process."""


def nothing() -> None:
    """A job."""


def bind() -> None:
    """Bind a value to the log, as every job does with its request's SID."""
    log.bind(request_sid="XR1")


def see_what_is_bound() -> None:
    assert structlog.contextvars.get_contextvars() == {}


def change_signals() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(1)


def outlive_the_alarm() -> None:
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def fail() -> None:
    raise ValueError("a job failed")


def take_memory() -> None:
    kept.append(os.urandom(MORE_MEMORY + 1024 * 1024))


def leave_files() -> None:
    kept.extend(os.dup(0) for _ in range(MORE_FILES + 1))


def leave_threads() -> None:
    for _ in range(MORE_THREADS + 1):
        threading.Thread(target=time.sleep, args=(PATIENCE_S,), daemon=True).start()


def see_connections_kept() -> None:
    assert marketplace._kept is not None


def use_the_same_memory_again() -> None:
    """Arrays as the analysis has them, again and again: few pages of them are new."""
    for _ in range(2):
        first = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(8):
            arrays = [bytes(512 * 1024) for _ in range(12)]
            del arrays
        new = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - first
    assert new < 8 * 12 * 512 // 4 / 10, new


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def crash() -> None:
    """As a decoder does that writes where it must not."""
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)


def hang() -> None:
    time.sleep(PATIENCE_S)


def prepare() -> None:
    signal.alarm(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def run(task: Task) -> bool:
    """The child's side: the job is one of the functions above."""
    try:
        globals()[task["job"]]()
    except Exception:
        return False
    return True


class Warm(WarmProcess):
    def __init__(self) -> None:
        super().__init__(prepare, run)

    def do(self, job: Callable[[], None]) -> tuple[int, int]:
        """Run one job; gives its process and how that ended: 0 where it did not die of it."""
        self.begin({"job": job.__name__})
        pid, status, _ = self.wait()
        return pid, os.waitstatus_to_exitcode(status)


def jobs_share_a_process() -> None:
    warm = Warm()
    first, second = warm.do(nothing), warm.do(nothing)
    assert first == second == (warm.pid, 0)
    warm.close()


def test_jobs_run_one_after_another_in_one_process(children):
    assert children.run(jobs_share_a_process) == 0


def a_new_one_after_so_many() -> None:
    warm_process.JOBS = 3
    warm = Warm()
    pids = [warm.do(nothing)[0] for _ in range(7)]
    assert len(set(pids)) == 3
    assert pids[0] == pids[2] != pids[3] == pids[5]
    warm.close()


def test_a_process_is_replaced_after_a_number_of_jobs(children):
    assert children.run(a_new_one_after_so_many) == 0


def nothing_reaches_the_next(before: str, after: str) -> None:
    warm = Warm()
    pid, _ = warm.do(globals()[before])
    again, _ = warm.do(globals()[after])
    assert pid == again, "it was replaced, so that nothing was shown"
    assert warm.do(nothing)[0] == pid, "the second job failed"
    warm.close()


@pytest.mark.parametrize(
    ("before", "after"),
    [("bind", "see_what_is_bound"), ("change_signals", "outlive_the_alarm")],
    ids=["the log's values", "signals and alarms"],
)
def test_nothing_of_a_job_reaches_the_next(children, before, after):
    assert children.run(nothing_reaches_the_next, before, after) == 0


def it_succeeds(job: str) -> None:
    warm = Warm()
    pid, _ = warm.do(globals()[job])
    assert warm.do(nothing)[0] == pid, "the job failed"
    warm.close()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is the GNU C library's")
def test_memory_that_a_job_frees_is_there_for_the_next(children):
    assert children.run(it_succeeds, use_the_same_memory_again.__name__) == 0


def test_connections_to_callback_hosts_are_kept(children):
    assert children.run(it_succeeds, see_connections_kept.__name__) == 0


def it_is_replaced_after(job: str) -> None:
    warm = Warm()
    first, _ = warm.do(nothing)
    assert warm.do(globals()[job]) == (first, 0)
    second, status = warm.do(nothing)
    assert (second != first, status) == (True, 0)
    warm.close()


@pytest.mark.parametrize("job", ["fail", "take_memory", "leave_files", "leave_threads"])
def test_a_process_is_replaced_where_a_job_failed_or_left_something(children, job):
    assert children.run(it_is_replaced_after, job) == 0


def its_death_is_told(job: str, number: int) -> None:
    warm = Warm()
    first, _ = warm.do(nothing)
    assert warm.do(globals()[job]) == (first, -number)
    second, status = warm.do(nothing)
    assert (second != first, status) == (True, 0)
    warm.close()


@pytest.mark.parametrize(("job", "by"), [("kill_itself", 9), ("crash", 11)])
def test_a_job_that_kills_its_process_is_told_apart_and_the_next_runs(children, job, by):
    assert children.run(its_death_is_told, job, by) == 0


def it_hangs_and_is_killed() -> None:
    warm = Warm()
    warm.begin({"job": "hang"})
    os.killpg(os.getpgid(warm.pid), signal.SIGKILL)  # as RQ does beyond the time limit
    assert os.waitstatus_to_exitcode(warm.wait()[1]) == -signal.SIGKILL
    assert warm.do(nothing)[1] == 0
    warm.close()


def test_a_job_that_hangs_can_be_killed_without_its_worker(children):
    assert children.run(it_hangs_and_is_killed) == 0


def the_wait_is_interrupted() -> None:
    def ring(*_: object) -> None:
        raise TimeoutError

    warm = Warm()
    warm.begin({"job": "hang"})
    signal.signal(signal.SIGALRM, ring)
    for _ in range(2):
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(TimeoutError):
            warm.wait()
    os.kill(warm.pid, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(warm.wait()[1]) == -signal.SIGKILL


def test_the_wait_for_a_job_is_interrupted_by_the_workers_heartbeat(children):
    assert children.run(the_wait_is_interrupted) == 0


def it_died_with_nothing_to_do() -> None:
    warm = Warm()
    first, _ = warm.do(nothing)
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    second, status = warm.do(nothing)
    assert (second != first, status) == (True, 0)
    warm.close()


def test_a_process_that_died_between_two_jobs_costs_no_job(children):
    assert children.run(it_died_with_nothing_to_do) == 0


def a_delivery_goes_on(path: Path) -> None:
    def deliver_slowly(*_: object) -> None:
        with socket.socket(socket.AF_UNIX) as gate:
            gate.connect(str(path / "gate"))
            gate.recv(1)
        (path / "delivered").touch()

    wait = first_delivery.wait

    def wait_and_tell(seconds: float) -> None:
        (path / "waiting").touch()
        wait(seconds)

    def begin_a_delivery(_task: Task) -> bool:
        first_delivery.wait = wait_and_tell
        first_delivery.enable(deliver_slowly)
        first_delivery.begin(None, "XR1")  # type: ignore[arg-type]
        return True

    with socket.socket(socket.AF_UNIX) as gate:
        gate.bind(str(path / "gate"))
        gate.listen()
        warm = WarmProcess(prepare, begin_a_delivery)
        warm.begin({})
        assert warm.wait()[1] == 0  # the job is over, and its delivery is not
        connection, _ = gate.accept()
        assert not (path / "delivered").exists()
        closing = threading.Thread(target=warm.close)
        closing.start()
        wait_until((path / "waiting").exists)
        connection.close()
        closing.join()
    assert (path / "delivered").exists()


def test_a_process_ends_when_its_deliveries_have(children):
    folder = Path(tempfile.mkdtemp(dir=tempfile.gettempdir()))  # a short path, for the socket
    try:
        assert children.run(a_delivery_goes_on, folder) == 0
    finally:
        for each in folder.iterdir():
            each.unlink()
        folder.rmdir()


def it_ends_with_its_worker(path: Path) -> None:
    warm = Warm()
    path.write_text(str(warm.do(nothing)[0]))
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_ends_when_its_worker_is_killed(children, tmp_path):
    """Without the tie that a worker adds on Linux, by the end of the connection."""
    children.run(it_ends_with_its_worker, tmp_path / "pid")
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not alive(pid))
