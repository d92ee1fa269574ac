"""Durable files: written aside, synced, and given their name in one step.

A reader sees the whole file or none, and after a power cut it is there or it is not. Every file
that must last is written here; only its owner can read it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from addon import group_commit

SLOW_SYNC_S = 0.002
"""A sync that takes longer waits for a disk far away or for a commit of a journal."""

SYNC_THREADS = 16
"""Started one by one as they are needed, in a process whose disk is slow."""

PUBLISH_TRIES = 8
"""Another process may remove an emptied folder just before a name is given in it."""


_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAMEAT2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
"""renameat2(2) of Linux, which Python does not have; None elsewhere."""

_NOT_SUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.EPERM)
"""By the file system, the kernel, or a container's filter of system calls."""


class Draft:
    """A file under another name until `publish`; leaving the block without it leaves nothing."""

    def __init__(self, aside: str) -> None:
        """Make `aside`, which must not exist yet, in a folder of the same file system."""
        self._aside = aside
        self._size = 0
        self._named = False
        self._file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)
        if not self._named:
            with contextlib.suppress(OSError):
                os.unlink(self._aside)

    def write(self, block: bytes) -> None:
        """Append all of `block`. Raises OSError."""
        written = os.write(self._file, block)
        while written < len(block):
            written += os.write(self._file, memoryview(block)[written:])
        self._size += written

    def publish(self, path: str, *, replace: bool) -> os.stat_result:
        """Sync the file, then give it the name `path`, whose folders are made.

        Raises FileExistsError where the name is taken and not to be replaced, and OSError.
        """
        if self._size:  # an empty file is its name alone, which is synced below
            group_commit.step(_sync_files, self._file)
        folder = os.path.dirname(path)
        for tries_left in reversed(range(PUBLISH_TRIES)):
            try:
                if replace:
                    os.replace(self._aside, path)
                else:
                    rename_if_free(self._aside, path)
                self._named = True
                break
            except FileNotFoundError:
                if not tries_left:
                    raise
                make_folders(Path(folder))
        group_commit.step(_sync_folders, folder)
        return os.fstat(self._file)


def rename_if_free(source: str, target: str) -> None:
    """Give a file another name in one step. Raises FileExistsError where it is taken, and OSError.

    Where that is not supported the file has both names for a moment, which costs a third more.
    """
    if _RENAMEAT2 is not None:
        names = os.fsencode(source), os.fsencode(target)
        if not _RENAMEAT2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_NOREPLACE):
            return
        code = ctypes.get_errno()
        if code not in _NOT_SUPPORTED:
            raise OSError(code, os.strerror(code))
    os.link(source, target)
    os.unlink(source)


def write_file(path: Path, blocks: Iterable[bytes], *, replace: bool) -> None:
    """Write a file with mode 0600, drafted beside it.

    Raises FileExistsError where it is there and not to be replaced, OSError, and what `blocks`
    raises.
    """
    make_folders(path.parent)
    with Draft(str(path.with_name(f".{path.name}.{secrets.token_hex(8)}"))) as draft:
        for block in blocks:
            draft.write(block)
        draft.publish(str(path), replace=replace)


def make_folders(folder: Path) -> None:
    """Make a folder with mode 0700, each new name durable in its parent before the next."""
    if folder.exists():
        return
    make_folders(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


class _Syncs:
    """Syncs of the files of several requests: one after the other, or at once where a sync is slow.

    One after the other costs no change of threads. A file system with a journal has one commit for
    those that are made at once.
    """

    def __init__(self) -> None:
        self._are_slow = False
        self._threads: ThreadPoolExecutor | None = None

    def __call__(self, files: Sequence[int]) -> list[OSError | None]:
        """Sync each file; the error of each that failed."""
        began = time.monotonic()
        at_once = self._are_slow and len(files) > 1
        done = self._at_once(files) if at_once else [_synced(files[0])]
        self._are_slow = time.monotonic() - began > SLOW_SYNC_S
        left = files[len(done) :]
        return [*done, *(self._at_once(left) if left and self._are_slow else map(_synced, left))]

    def _at_once(self, files: Sequence[int]) -> list[OSError | None]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(SYNC_THREADS, "sync")
        return list(self._threads.map(_synced, files))


_sync_files = _Syncs()


def _synced(file: int) -> OSError | None:
    try:
        os.fsync(file)
    except OSError as error:
        return error
    return None


def _sync_folders(folders: Sequence[str]) -> list[OSError | None]:
    """Sync the folders of several requests, each once; the error of each that failed."""
    errors: dict[str, OSError | None] = {}
    for folder in dict.fromkeys(folders):
        try:
            sync_folder(folder)
            errors[folder] = None
        except OSError as error:
            errors[folder] = error
    return [errors[folder] for folder in folders]


def sync_folder(folder: str | Path) -> None:
    """Make the names in a folder durable; nothing happens where it is gone."""
    with contextlib.suppress(FileNotFoundError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
