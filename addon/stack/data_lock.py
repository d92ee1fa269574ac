"""One stack per DATA_DIR: two Redis servers on one append-only file would destroy it.

The lock is the kernel's, held for as long as any process of a stack lives, because every child
inherits the descriptor. It must never be decided by the mere existence of a file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from addon.errors import SettingsError
from addon.running_stack import LOCK

LEFTOVERS_END_S = 2.0
"""Leftovers of a killed supervisor had their SIGTERM when it died, and Redis ends at once: a job
that goes on could note its end nowhere. Answers on their way get this long."""

LEFTOVERS_WAIT_S = 35.0
"""Where leftovers cannot be found (no /proc) they end by themselves: each within 30 s."""


@contextlib.contextmanager
def data_lock(
    data_dir: Path, *, kill_after: float = LEFTOVERS_END_S, patience: float = LEFTOVERS_WAIT_S
) -> Iterator[int]:
    """Hold `data_dir` alone, made where it is missing; gives the descriptor to hand to children.

    Where the earlier supervisor is gone, what it left has `kill_after` seconds to end and is then
    killed; after `patience` seconds it is in the way. Raises SettingsError where the folder is in
    use or cannot be written.
    """
    descriptor = _open(data_dir)
    try:
        _acquire(descriptor, data_dir, kill_after, patience)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode("ascii"), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _open(data_dir: Path) -> int:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(data_dir / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingsError(
            f"DATA_DIR {data_dir} cannot be written: {error.strerror}. Choose another folder."
        ) from None


def _acquire(descriptor: int, data_dir: Path, kill_after: float, patience: float) -> None:
    began = time.monotonic()
    while not _try(descriptor):
        holder = _holder(descriptor)
        if holder is not None:
            raise SettingsError(
                f"DATA_DIR {data_dir} is in use by another `flask serve` (process {holder}). "
                "Stop it first, or choose another DATA_DIR."
            )
        waited = time.monotonic() - began
        if waited >= patience:
            raise SettingsError(
                f"DATA_DIR {data_dir} is in use by processes that an earlier `flask serve` left "
                "behind. End them first."
            )
        if waited >= kill_after:
            for pid in _holders(descriptor):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holders(descriptor: int) -> Iterator[int]:
    """The processes that hold the lock now: all that inherited it, and none that only waits.

    Linux lists a lock with each descriptor that it belongs to; elsewhere none is found.
    """
    file = os.fstat(descriptor)
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            held = "FLOCK" in (link.parents[1] / "fdinfo" / link.name).read_text()
            if held and os.path.samestat(link.stat(), file):
                yield int(link.parents[1].name)


def _holder(descriptor: int) -> int | None:
    """The supervisor that wrote its number into the file, where it still holds the lock."""
    text = os.pread(descriptor, 32, 0)
    if not text.isdigit():
        return None
    pid = int(text)
    if Path("/proc/self/fdinfo").exists():
        # One that is dead and not reaped yet exists too, and so may another with its number.
        return pid if pid in _holders(descriptor) else None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return pid
