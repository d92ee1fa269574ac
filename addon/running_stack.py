"""Address of the stack that `flask serve` runs on a DATA_DIR, for commands in another terminal.

It is in a file there while the stack is ready. What a killed stack left is never believed: the
lock of the folder says whether anything of one still lives.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

from addon.durable_files import write_file

LOCK = "serve.lock"
"""Locked by every process of a stack (`addon/stack/data_lock.py`)."""

FILE = "serve.json"


@contextlib.contextmanager
def forgotten_at_the_end(data_dir: Path) -> Iterator[None]:
    """No address is known at the beginning of the block, nor after it; who holds the lock asks."""
    _remove(data_dir)
    try:
        yield
    finally:
        _remove(data_dir)


def tell(data_dir: Path, public_url: str) -> None:
    """Write that the stack of this process is ready. Raises OSError."""
    told = {"pid": os.getpid(), "public_url": public_url}
    write_file(data_dir / FILE, [json.dumps(told).encode()], replace=True)


def is_ready(data_dir: Path, pid: int) -> bool:
    """True once the stack of the process `pid` is ready."""
    return _told(data_dir).get("pid") == pid


def public_url(data_dir: Path) -> str | None:
    """The address of the stack that runs on `data_dir`; None where none does, or is not ready."""
    told = _told(data_dir).get("public_url")
    return told if isinstance(told, str) and _is_locked(data_dir) else None


def _told(data_dir: Path) -> dict[str, object]:
    try:
        told = json.loads((data_dir / FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _is_locked(data_dir: Path) -> bool:
    try:
        descriptor = os.open(data_dir / LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _remove(data_dir: Path) -> None:
    with contextlib.suppress(OSError):
        (data_dir / FILE).unlink()
