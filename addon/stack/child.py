"""One child process: what to start, and its life from the start to the end of its whole group.

Knows nothing of the other children; when and whether to start again is the supervisor's decision.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from addon.stack.parent_death import dies_with_parent

READ_BLOCK = 64 * 1024
LONGEST_LINE = 64 * 1024
"""A line longer than this is cut in two, so that a child without newlines cannot fill memory."""


@dataclass(frozen=True)
class Child:
    """A program that must run for as long as the stack does."""

    name: str
    argv: Sequence[str]
    probe: Callable[[], str | None] | None = None
    """Answers None once the child does its work, else what is missing, in words."""
    gate: bool = False
    """The children after this one start only when this one is ready."""
    grace: float = 5.0
    """Seconds from SIGTERM to SIGKILL."""
    descriptors: tuple[int, ...] = ()
    """Open files that it inherits."""
    environment: Mapping[str, str] | None = None
    """Its variables; None for those of this process."""


def how_it_ended(code: int) -> str:
    """The exit code of `subprocess`, in words."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


class Process:
    """A running child, in its own process group: a terminal's Ctrl-C does not reach it."""

    def __init__(self, child: Child) -> None:
        """Start it. Raises OSError where the program cannot be run."""
        self._popen = subprocess.Popen(  # noqa: S603 - the supervisor's own children
            list(child.argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=child.descriptors,
            env=child.environment,
            # Safe here: the supervisor has one thread (see the warning in the subprocess module).
            preexec_fn=dies_with_parent(),
        )
        assert self._popen.stdout is not None  # noqa: S101 - for the type checker
        self.output = self._popen.stdout
        os.set_blocking(self.output.fileno(), False)
        self._partial = b""

    @property
    def pid(self) -> int:
        """The process's number, which is its group's too."""
        return self._popen.pid

    def ended(self) -> str | None:
        """The way it ended, in words; None while it runs."""
        code = self._popen.poll()
        return None if code is None else how_it_ended(code)

    def lines(self) -> list[str]:
        """The whole lines written since the last call; never waits."""
        return self._split(self._read())

    def last_lines(self) -> list[str]:
        """The lines left in the pipe of a process that has ended; closes the pipe."""
        lines = self._split(self._read())
        rest, self._partial = self._partial, b""
        self.output.close()
        return lines + ([rest.decode("utf-8", "replace")] if rest else [])

    def terminate(self) -> None:
        """Ask it to finish."""
        self._popen.terminate()

    def end_group(self, number: signal.Signals) -> None:
        """Signal whatever is left of its group; a SIGKILL is waited for, so that none is left."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
        if number == signal.SIGKILL:
            self._popen.wait()

    def _read(self) -> bytes:
        blocks = []
        while block := self._read_block():
            blocks.append(block)
        return b"".join(blocks)

    def _read_block(self) -> bytes:
        try:
            return os.read(self.output.fileno(), READ_BLOCK)
        except BlockingIOError:
            return b""

    def _split(self, data: bytes) -> list[str]:
        *whole, self._partial = (self._partial + data).split(b"\n")
        if len(self._partial) > LONGEST_LINE:
            whole.append(self._partial)
            self._partial = b""
        return [line.decode("utf-8", "replace") for line in whole]
