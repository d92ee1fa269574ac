"""A pytest plugin: whatever a test starts must end with it, else the test fails.

It looks at threads, child processes, sockets and temporary files, each by its identity: what was
there before the test, or belongs to a fixture of a wider scope, is not the test's. What a wider
fixture starts must end with that fixture. Processes and sockets are seen on Linux only.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PATIENCE_S = float(os.environ.get("LEFTOVERS_PATIENCE_S", "20"))
"""For what is about to end, on a busy machine. Only a test that leaves something waits so long."""

PR_SET_CHILD_SUBREAPER = 36
"""prctl(2): a process whose parent ended becomes our child, so that it can be seen here."""

KEPT_FILES = {".ses"}
"""One file of onnxruntime's, the same for every process that ever loads it."""

KEPT_BEGINNING = "pulse-"
"""A folder of PulseAudio's library, when a browser plays its first sound in a user's account."""

KEPT_PROCESS = "multiprocessing.resource_tracker"
"""Python's own, one a process, started by the first shared lock; it ends with its process."""

ON_LINUX = sys.platform.startswith("linux")


@dataclass(frozen=True)
class Alive:
    """What is alive at one moment. A process is its number and its start; a socket its inode."""

    threads: frozenset[threading.Thread] = frozenset()
    processes: frozenset[tuple[int, str]] = frozenset()
    sockets: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()

    @classmethod
    def now(cls) -> Alive:
        return cls(
            frozenset(threading.enumerate()),
            frozenset(_children()),
            frozenset(_sockets()),
            frozenset(_temporary_files()),
        )

    def __sub__(self, other: Alive) -> Alive:
        return Alive(
            self.threads - other.threads,
            self.processes - other.processes,
            self.sockets - other.sockets,
            self.files - other.files,
        )

    def __and__(self, other: Alive) -> Alive:
        return self - (self - other)

    def __or__(self, other: Alive) -> Alive:
        return Alive(
            self.threads | other.threads,
            self.processes | other.processes,
            self.sockets | other.sockets,
            self.files | other.files,
        )

    def __bool__(self) -> bool:
        return bool(self.threads or self.processes or self.sockets or self.files)

    def described(self) -> list[str]:
        """One line for each, as a person would look for it in the test."""
        return [
            *(f"thread {each.name} ({_target(each)})" for each in self.threads),
            *(f"process {pid}: {_command(pid)}" for pid, _ in self.processes),
            *(f"socket {_addresses(each)}" for each in self.sockets),
            *(f"temporary file {each}" for each in self.files),
        ]

    def end(self) -> None:
        """Kill the processes: what one test left must not disturb others."""
        for pid, _ in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@dataclass
class Owners:
    """What fixtures of a wider scope than a test have started and not ended yet."""

    started: dict[str, Alive] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    """About fixtures that have ended since the last test."""

    def all(self) -> Alive:
        """Everything that is theirs."""
        found = Alive()
        for alive in self.started.values():
            found |= alive
        return found


_temporary_folder: Path | None = None
"""The only folder that is looked at: others write to the system's too."""

BEFORE = pytest.StashKey[Alive]()
AFTER = pytest.StashKey[Alive]()
"""The look after the last test, which is the one before the next."""
OWNERS = pytest.StashKey[Owners]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[OWNERS] = Owners()
    gc.disable()  # until all tests are collected: their modules stay


def pytest_sessionstart() -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as where the suite runs behind a shell
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if ON_LINUX:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@pytest.fixture(scope="session", autouse=True)
def own_temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A folder for the temporary files of this process and its children, and of no others.

    Its path is short: a Unix socket's may not be longer than 100 bytes or so. It is removed when
    all fixtures have ended and were looked at.
    """
    global _temporary_folder
    tmp_path_factory.getbasetemp()  # made before, so that it is not in there
    _temporary_folder = Path(tempfile.mkdtemp(prefix="addon-"))
    os.environ["TMPDIR"] = tempfile.tempdir = str(_temporary_folder)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish() -> Iterator[None]:
    try:
        return (yield)
    finally:
        if _temporary_folder:
            shutil.rmtree(_temporary_folder, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Iterator[None]:
    """Remember what a fixture of a wider scope starts, and look for it once it has ended."""
    if fixturedef.scope == "function" or fixturedef.argname == "own_temporary_folder":
        return (yield)
    owners, name = request.config.stash[OWNERS], f"{fixturedef.baseid}:{fixturedef.argname}"
    before = Alive.now()

    def end() -> None:
        gc.unfreeze()  # what the fixture kept is over now, and may be in circles
        own = owners.started.pop(name, Alive())
        left = _what_stays(lambda: own & Alive.now())
        if left:
            owners.complaints.append(f"the fixture {fixturedef.argname} left {_listed(left)}")
            owners.started[name] = left  # it stays the fixture's, and no test is blamed for it
            left.end()

    fixturedef.addfinalizer(end)
    try:
        return (yield)
    finally:
        owners.started[name] = Alive.now() - before - owners.all()


def pytest_collection_finish() -> None:
    """Take all modules out of what is looked through after each test: they stay to the end."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    item.stash[BEFORE] = item.config.stash.get(AFTER, None) or Alive.now()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Fails the test where anything that it started is alive after its fixtures have ended.

    What wider fixtures left, which ended with it, is reported here too.
    """
    result = yield
    if isinstance(item, pytest.Function):
        item.funcargs.clear()  # what nothing else refers to is over now
    owners = item.config.stash[OWNERS]
    config = item.config

    def new() -> Alive:
        config.stash[AFTER] = Alive.now()
        return config.stash[AFTER] - item.stash[BEFORE] - owners.all()

    left = _what_stays(new)
    complaints, owners.complaints = owners.complaints, []
    if left:
        complaints.append(f"the test left {_listed(left)}")
        left.end()
        del config.stash[AFTER]
    if complaints:
        pytest.fail("\n".join(complaints), pytrace=False)
    return result


def _listed(left: Alive) -> str:
    return "behind:\n" + "\n".join(f"  {line}" for line in left.described())


def _what_stays(look: Callable[[], Alive]) -> Alive:
    """What `look` still finds when everything has had time to end. Reaps processes that ended."""
    if not look():
        return Alive()
    deadline = time.monotonic() + PATIENCE_S
    while True:
        gc.collect()  # what nothing refers to any more is closed by this
        left = look()
        if not left:
            gc.freeze()  # what stays is not looked through again until a wider fixture ends
        if not left or time.monotonic() > deadline:
            return left
        for pid, _ in left.processes:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        for thread in left.threads:
            with contextlib.suppress(RuntimeError):  # listed already, not started yet
                thread.join(0.05)
        if not left.threads:
            time.sleep(0.05)


def _children() -> Iterator[tuple[int, str]]:
    for task in _names("/proc/self/task"):
        for pid in _read(f"/proc/self/task/{task}/children").split():
            stat = _read(f"/proc/{pid}/stat")
            if stat and KEPT_PROCESS not in _command(int(pid)):
                yield int(pid), stat.rpartition(")")[2].split()[19]


def _temporary_files() -> list[str]:
    found = _names(_temporary_folder) if _temporary_folder else ()
    return [
        each for each in found if each not in KEPT_FILES and not each.startswith(KEPT_BEGINNING)
    ]


def _sockets() -> Iterator[str]:
    for _, name in _open_files():
        if name.startswith("socket:"):
            yield name


def _open_files() -> Iterator[tuple[int, str]]:
    """Each open file of this process: its descriptor and what the kernel calls it."""
    for number in _names("/proc/self/fd"):
        with contextlib.suppress(OSError):
            yield int(number), os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115


def _names(folder: str | Path) -> list[str]:
    """The names in a folder, none where there is no such folder. Called twice a test: no Path."""
    try:
        return os.listdir(folder)  # noqa: PTH208
    except OSError:
        return []


def _read(file: str) -> str:
    """A file of the kernel's, empty where its process has just ended."""
    try:
        with open(file) as opened:  # noqa: PTH123
            return opened.read()
    except OSError:
        return ""


def _target(thread: threading.Thread) -> str:
    target = getattr(thread, "_target", None) or type(thread).run
    return f"{target.__module__}.{target.__qualname__}"


def _command(pid: int) -> str:
    return _read(f"/proc/{pid}/cmdline").replace("\0", " ").strip() or "it has just ended"


def _addresses(inode: str) -> str:
    for number, name in _open_files():
        if name == inode:
            with socket.socket(fileno=os.dup(number)) as found:
                try:
                    return f"{found.getsockname()!r} to {found.getpeername()!r}"
                except OSError:
                    return f"{found.getsockname()!r}, not connected"
    return f"{inode}, just closed"
