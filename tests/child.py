"""Runs a function in a child process started for it, which is killed at one step of the work.

The children come from multiprocessing's fork server. It has one thread and starts before any test,
so no child inherits a lock that some other thread held. Nothing is patched in the test's own
process.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerProcess
from typing import Any, Literal

CONTEXT = multiprocessing.get_context("forkserver")
PRELOADED = ["pytest", "tests.conftest", "tests.workers.flexing", "workers.sweeper"]
"""Imported once by the fork server: else each child would take a second for it."""

PATIENCE_S = 60.0
"""Far more than any child takes."""


@dataclass(frozen=True)
class KillPoint:
    """A function by its dotted name, and the moment of its first call when its process is killed:
    before it works, after it, or when it has given the first of its items.
    """

    function: str
    moment: Literal["before", "after", "inside"]
    by: signal.Signals = signal.SIGKILL

    def install(self) -> None:
        """Replace the function in this process, until it is called."""
        owner, _, name = self.function.rpartition(".")
        real = getattr(_object(owner), name)

        def killed(*args: Any, **kwargs: Any) -> Any:
            setattr(_object(owner), name, real)
            if self.moment == "before":
                os.kill(os.getpid(), self.by)
            result = real(*args, **kwargs)
            if self.moment == "after":
                os.kill(os.getpid(), self.by)
            return _first_of(result) if self.moment == "inside" else result

        setattr(_object(owner), name, killed)


class Children:
    """Starts child processes; those that still run when the test is over are killed."""

    def __init__(self) -> None:
        self._started: list[ForkServerProcess] = []

    def start(
        self, work: Callable[..., object], *args: object, kill: KillPoint | None = None
    ) -> ForkServerProcess:
        """Run `work`, a function of a module, with arguments that can be pickled."""
        process = CONTEXT.Process(target=_work, args=(work, args, kill))
        process.start()
        self._started.append(process)
        return process

    def run(self, work: Callable[..., object], *args: object, kill: KillPoint | None = None) -> int:
        """The same, and wait for its exit code: minus the signal where it was killed."""
        return ended(self.start(work, *args, kill=kill))

    def close(self) -> None:
        """Kill what still runs."""
        for process in self._started:
            if process.is_alive():  # else its number may be another's by now
                process.kill()
            process.join()
            process.close()


def ended(process: ForkServerProcess) -> int:
    """Wait for a child and give its exit code."""
    process.join(PATIENCE_S)
    assert process.exitcode is not None, "the child did not end"
    return process.exitcode


def die() -> None:
    """End this process as the kernel ends one that takes too much memory."""
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def fork_server() -> Iterator[None]:
    """The process that starts the children, for as long as the block runs."""
    # multiprocessing ends what this starts when this process ends, which is too late here, and has
    # no public way to end it earlier.
    config = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory(prefix="children-") as config["tempdir"]:
        CONTEXT.set_forkserver_preload(PRELOADED)
        resource_tracker.ensure_running()
        forkserver.ensure_running()
        try:
            yield
        finally:
            forkserver._forkserver._stop()  # type: ignore[attr-defined]
            resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]
            del config["tempdir"]


def _work(work: Callable[..., object], args: tuple[object, ...], kill: KillPoint | None) -> None:
    if kill:
        kill.install()
    work(*args)


def _first_of(items: Any) -> Iterator[Any]:
    yield next(iter(items))
    die()


def _object(name: str) -> Any:
    """A module, or what lies in one, by its dotted name."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        owner, _, last = name.rpartition(".")
        return getattr(_object(owner), last)
