"""Ties a process's life to its parent's, so that killing a supervisor leaves nothing behind."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
"""prctl(2), Linux. macOS has nothing like it: there DATA_DIR's lock tells of what was left."""


def dies_with_parent(number: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """A function for the new process to call: `number` reaches it when this process is gone.

    Pass it as `preexec_fn`, or call it right after a fork. The library is loaded here, before the
    fork, because little is safe to do after it.
    """
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return tie
