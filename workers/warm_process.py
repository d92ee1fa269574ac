"""A worker's long-lived child that runs short jobs one after another (decision 0707).

The worker hands it one job at a time over a pair of sockets and waits for a byte: the job is over,
and the process stays or ends. The worker keeps the job's time limit and its own heartbeat, and sees
a child that was killed by the end of the connection. Nothing of a job may reach the next one.
"""

from __future__ import annotations

import contextvars
import ctypes
import json
import os
import random
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from addon import log, tracing
from workers import first_delivery, marketplace
from workers.deliver import deliver

JOBS = 500
"""A process ends after so many: what leaks slowly, here or in a codec, goes with it."""

MORE_MEMORY = 64 * 1024 * 1024
"""Bytes that its peak may grow after the first job: a minute of audio needs a third of it."""

MORE_FILES = 16
MORE_THREADS = 4
"""Above what was open and alive after the first job: connections are kept, and grow a little."""

OPEN_FILES = Path("/dev/fd")

KEEP_BYTES = 16 * 1024 * 1024
"""Freed memory that it keeps for its next job, where the C library lets it: a voicemail's arrays
fill 1,300 pages, which the kernel would take back and give anew each time."""

END_S = 12.0
"""Seconds that deliveries have to end when the process is to end."""

CHECK_S = 0.02

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3

STAYS, ENDS = b"+", b"-"

logger = log.get("worker")

Task = Mapping[str, Any]
Run = Callable[[Task], bool]
"""Runs one job in the child; False where it failed, and its process is not used again."""


@dataclass(frozen=True)
class Usage:
    """Memory, open files and threads of this process."""

    memory: int
    files: int
    threads: int

    @classmethod
    def now(cls) -> Usage:
        """Read them; the memory is the peak so far."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        unit = 1 if sys.platform == "darwin" else 1024
        return cls(peak * unit, len(list(OPEN_FILES.iterdir())), threading.active_count())

    def has_grown_since(self, before: Usage) -> bool:
        """True where it is more than a job may leave behind."""
        return (
            self.memory > before.memory + MORE_MEMORY
            or self.files > before.files + MORE_FILES
            or self.threads > before.threads + MORE_THREADS
        )


class WarmProcess:
    """The child as its worker sees it; started with the first job, and again when it has ended.

    `prepare` is called in the child before each job, and sets the handlers of its signals.
    """

    def __init__(self, prepare: Callable[[], None], run: Run) -> None:
        self.pid = 0
        self._prepare = prepare
        self._run = run
        self._channel: socket.socket | None = None
        self._is_given = False
        self._ending: set[int] = set()

    def begin(self, task: Task) -> None:
        """Hand over a job, to a new process where there is none."""
        self._ending = {pid for pid in self._ending if not _has_ended(pid)}
        self._note_how_it_was_left()
        if self._channel is None:
            self._channel = self._start()
        self._is_given = True
        with suppress(BrokenPipeError, ConnectionResetError):  # `wait` sees that it has died
            self._channel.sendall(json.dumps(task).encode() + b"\n")

    def wait(self) -> tuple[int | None, int | None, Any]:
        """Wait until the job is over: pid, status as of wait(2), and usage where it has died.

        An exception of a signal handler, such as the monitor's, may end this at any point: nothing
        is taken from the connection or changed here, so that it can be called again.
        """
        answer = b""
        with suppress(ConnectionResetError):
            answer = self._channel.recv(1, socket.MSG_PEEK) if self._channel else b""
        if answer:
            return self.pid, 0, None
        with suppress(ChildProcessError):
            return os.wait4(self.pid, 0)
        return None, None, None  # as RQ has it where it was reaped before

    def close(self, seconds: float = END_S) -> None:
        """End it, and those that are ending; what still delivers after `seconds` is killed."""
        self._note_how_it_was_left()  # unread, the answer would be an error at the other end
        if self._channel is not None:
            self._ending.add(self.pid)
            self._forget()
        until = time.monotonic() + seconds
        while self._ending and time.monotonic() < until:
            self._ending = {pid for pid in self._ending if not _has_ended(pid)}
            time.sleep(CHECK_S)
        for pid in self._ending:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
        self._ending.clear()

    def _note_how_it_was_left(self) -> None:
        """Take the answer of the last job; forget a process that ends, or has died since."""
        if self._channel is None:
            return
        answer = STAYS
        if self._is_given:
            answer = b""
            with suppress(BlockingIOError, ConnectionResetError):
                answer = self._channel.recv(1, socket.MSG_DONTWAIT)
            self._is_given = False
        if _has_ended(self.pid):
            self._forget()
        elif answer != STAYS:
            self._ending.add(self.pid)
            self._forget()

    def _forget(self) -> None:
        if self._channel is not None:
            self._channel.close()
        self._channel, self.pid = None, 0

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if not pid:
            try:
                ours.close()
                os.setpgrp()
                _serve(theirs, self._prepare, self._run)
            except BaseException:  # a child must never return into its parent's code
                logger.exception("a warm process failed")
                os._exit(1)
            os._exit(0)
        with suppress(OSError):
            os.setpgid(
                pid, pid
            )  # here too: whoever is faster, it is killed with its own group only
        theirs.close()
        self.pid = pid
        return ours


def _keep_freed_memory() -> None:
    """Have the GNU C library keep KEEP_BYTES, and take arrays of up to a quarter of it from them
    (mallopt(3)); others have no such function."""
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, KEEP_BYTES // 4)
        mallopt(_M_TRIM_THRESHOLD, KEEP_BYTES)


def _has_ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


def _serve(channel: socket.socket, prepare: Callable[[], None], run: Run) -> None:
    """Run jobs until the worker closes the connection, or this process has to be replaced."""
    random.seed()
    _keep_freed_memory()
    prepare()
    first_delivery.enable(deliver)
    marketplace.keep_connections()
    usage: Usage | None = None
    with suppress(ConnectionResetError), channel, channel.makefile("rb") as tasks:
        for number, line in enumerate(tasks, 1):
            prepare()
            # A context of its own: what a job binds to the log or the trace ends with it.
            done = contextvars.Context().run(run, json.loads(line))
            stays = done and number < JOBS
            if stays and not first_delivery.running():
                now = Usage.now()
                usage = usage or now
                stays = not now.has_grown_since(usage)
            channel.sendall(STAYS if stays else ENDS)
            if not stays:
                break
    first_delivery.wait(END_S)
    tracing.flush()
