"""One stack per DATA_DIR: two Redis servers on one append-only file would destroy it.

The lock is the kernel's, held for as long as any process of a stack lives, because every child
inherits the descriptor. It must never be decided by the mere existence of a file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from addon.errors import SettingsError

LEFTOVERS_WAIT_S = 35.0
"""The children of a killed supervisor may still be finishing; each stack stops within 30 s."""


@contextlib.contextmanager
def data_lock(data_dir: Path, *, patience: float = LEFTOVERS_WAIT_S) -> Iterator[int]:
    """Hold `data_dir` alone, made where it is missing; gives the descriptor to hand to children.

    Waits up to `patience` seconds where the earlier supervisor is gone and only its children still
    wind down. Raises SettingsError where the folder is in use or cannot be written.
    """
    descriptor = _open(data_dir)
    try:
        _acquire(descriptor, data_dir, time.monotonic() + patience)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode("ascii"), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _open(data_dir: Path) -> int:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(data_dir / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingsError(
            f"DATA_DIR {data_dir} cannot be written: {error.strerror}. Choose another folder."
        ) from None


def _acquire(descriptor: int, data_dir: Path, deadline: float) -> None:
    while not _try(descriptor):
        holder = _holder(descriptor)
        if holder is not None:
            raise SettingsError(
                f"DATA_DIR {data_dir} is in use by another `flask serve` (process {holder}). "
                "Stop it first, or choose another DATA_DIR."
            )
        if time.monotonic() >= deadline:
            raise SettingsError(
                f"DATA_DIR {data_dir} is in use by processes that an earlier `flask serve` left "
                "behind. End them first."
            )
        time.sleep(0.1)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> int | None:
    """The supervisor that wrote its number into the file, where it is still alive."""
    text = os.pread(descriptor, 32, 0)
    if not text.isdigit():
        return None
    try:
        os.kill(int(text), 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return int(text)
