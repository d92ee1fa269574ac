"""The store as a directory: one file an object, durable before it is visible.

A file is written aside, synced, and given its name in one step, so that a reader never meets half
an object and two writers never overwrite each other. It must never follow a key outside its
root.
"""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from io import FileIO
from itertools import count
from pathlib import Path

from addon.archive.blocks import watched
from addon.archive.digest import Digest
from addon.archive.mark import Mark
from addon.archive.store import (
    FIRST_READ,
    MAX_SMALL_OBJECT,
    READ_SIZE,
    Stat,
    checked_key,
    checked_prefix,
)
from addon.durable_files import Draft, make_folders, sync_folder
from addon.errors import (
    AlreadyStored,
    NotStored,
    RetentionLocked,
    StoreUnavailable,
    Tampered,
)

LEFT_AFTER_S = 2 * 24 * 3600.0
"""A file written aside for longer was left by a killed process: no recording takes two days."""

_UNFINISHED = ".unfinished"
_LOCKS = ".locks"


class DirectoryStore:
    """Objects under `root`, which is made when the first one is written.

    With a `mark`, nothing is taken for absent and nothing is written where the mark is missing.
    """

    def __init__(self, root: str | Path, mark: Mark | None = None) -> None:
        self.root = Path(root)
        self._mark = mark
        self._root = f"{root}/"
        self._cleared = False
        self._writer = secrets.token_hex(16)
        self._written = count()

    def put(
        self,
        key: str,
        blocks: Iterable[bytes],
        *,
        if_absent: bool = True,
        digest: Digest | None = None,
    ) -> Stat:
        """See Store.put."""
        path = self._name(key)
        blocks = watched(blocks, digest) if digest else blocks
        if not if_absent:
            self._refuse_if_locked(key)
        return self._write(key, path, blocks, replace=not if_absent)

    def get(self, key: str) -> bytes:
        """See Store.get."""
        with _Failures("read"), self._open(key) as file:
            content = file.read(MAX_SMALL_OBJECT + 1)
        if len(content) > MAX_SMALL_OBJECT:
            raise Tampered("an object that must be small is not")
        return content

    def read(
        self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None
    ) -> Iterator[bytes]:
        """See Store.read."""
        with _Failures("read"), self._open(key) as file:
            if etag is not None and _etag(os.fstat(file.fileno())) != etag:
                raise Tampered("the object was replaced while it was read")
            file.seek(start)
            left, size = length, FIRST_READ
            while left is None or left > 0:
                block = file.read(size if left is None else min(left, size))
                size = READ_SIZE
                if not block:
                    return
                left = None if left is None else left - len(block)
                yield block

    def read_into(
        self, memory: memoryview, key: str, start: int, length: int, *, etag: str
    ) -> Iterator[memoryview]:
        """See Store.read_into. The file is read at its places, without an object for it."""
        with _Failures("read"):
            file = self._descriptor(key)
            try:
                if _etag(os.fstat(file)) != etag:
                    raise Tampered("the object was replaced while it was read")
                while length > 0:
                    block = memory[:length]
                    count = os.preadv(file, [block], start)
                    if not count:
                        return
                    start, length = start + count, length - count
                    yield block[:count]
            finally:
                os.close(file)

    def stat(self, key: str) -> Stat | None:
        """See Store.stat."""
        with _Failures("stat"):
            try:
                return _stat(key, os.stat(self._name(key)))
            except (FileNotFoundError, NotADirectoryError):
                self._check_mark()
                return None

    def delete(self, key: str) -> None:
        """See Store.delete."""
        path = self._path(key)
        with _Failures("delete"):
            if not path.exists():
                self._check_mark()
                return
            self._refuse_if_locked(key)
            path.unlink(missing_ok=True)
            sync_folder(path.parent)
            self._lock_path(key).unlink(missing_ok=True)
            self._prune(path.parent)

    def list(self, prefix: str = "", *, after: str | None = None) -> Iterator[Stat]:
        """See Store.list."""
        checked_prefix(prefix)
        folder = prefix.rpartition("/")[0]
        with _Failures("list"):
            self._check_mark()
            for key, entry in _walk(self.root / folder, folder, prefix, after or ""):
                with suppress(FileNotFoundError):
                    yield _stat(key, entry.stat())

    def retain(self, key: str, until: datetime) -> None:
        """See Store.retain. The lock is a file beside the objects that only this class honours."""
        if self.stat(key) is None:
            raise NotStored("there is no such object to lock")
        date = until.astimezone(UTC).isoformat().encode()
        self._write(key, str(self._lock_path(key)), [date], replace=True)

    def can_retain(self) -> bool:
        """See Store.can_retain."""
        return True

    def _path(self, key: str) -> Path:
        return Path(self._name(key))

    def _name(self, key: str) -> str:
        """The path as text: making a Path costs as much as opening the file."""
        return self._root + checked_key(key)

    def _lock_path(self, key: str) -> Path:
        return self.root / _LOCKS / checked_key(key)

    def _open(self, key: str) -> FileIO:
        try:
            return FileIO(self._name(key), "rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            self._check_mark()
            raise NotStored("there is no such object") from None

    def _descriptor(self, key: str) -> int:
        try:
            return os.open(self._name(key), os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            self._check_mark()
            raise NotStored("there is no such object") from None

    def _check_mark(self, *, make: bool = False) -> None:
        if self._mark is not None:
            self._mark.check(make=make)

    def _write(self, key: str, path: str, blocks: Iterable[bytes], *, replace: bool) -> Stat:
        """Write aside, then publish; the file written aside never outlives this call."""
        with _Failures("write"):
            self._check_mark(make=True)
            draft = self._draft()
        with draft:
            for block in blocks:
                with _Failures("write"):
                    draft.write(block)
            with _Failures("write"):
                try:
                    return _stat(key, draft.publish(path, replace=replace))
                except FileExistsError:
                    raise AlreadyStored("there is an object under this key") from None

    def _draft(self) -> Draft:
        folder = self.root / _UNFINISHED
        if not self._cleared:
            make_folders(folder)
            self._clear_what_was_left(folder)
            self._cleared = True
        name = f"{self._writer}-{os.getpid()}-{next(self._written)}"
        aside = f"{self._root}{_UNFINISHED}/{name}"
        try:
            return Draft(aside)
        except FileNotFoundError:
            make_folders(folder)
            return Draft(aside)

    def _clear_what_was_left(self, folder: Path) -> None:
        for path in folder.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - LEFT_AFTER_S:
                    path.unlink()

    def _refuse_if_locked(self, key: str) -> None:
        with _Failures("read a lock"), suppress(FileNotFoundError):
            until = datetime.fromisoformat(self._lock_path(key).read_text())
            if datetime.now(UTC) < until:
                raise RetentionLocked(f"a retention lock holds this object until {until:%Y-%m-%d}")

    def _prune(self, folder: Path) -> None:
        """Remove directories that the last deletion emptied."""
        with suppress(OSError):
            while folder != self.root:
                folder.rmdir()
                folder = folder.parent


class _Failures:
    """Every error of the file system as StoreUnavailable, without the path."""

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError):
            name = errno.errorcode.get(error.errno or 0, "no number")
            raise StoreUnavailable(
                f"the archive's directory failed to {self._doing}: {error.strerror} ({name})"
            ) from error


def _etag(status: os.stat_result) -> str:
    return f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"


def _stat(key: str, status: os.stat_result) -> Stat:
    modified = datetime.fromtimestamp(status.st_mtime, UTC)
    return Stat(key, status.st_size, _etag(status), modified)


def _walk(
    folder: Path, key: str, prefix: str, after: str
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Files below `folder` in the order of their whole keys, as a bucket lists them."""
    base = f"{key}/" if key else ""
    try:
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return
    for name, entry in sorted((e.name + "/" if e.is_dir() else e.name, e) for e in entries):
        path = base + name
        if not (path.startswith(prefix) or prefix.startswith(path)):
            continue
        if not name.endswith("/"):
            if path > after and path.startswith(prefix):
                yield path, entry
        elif path > after or after.startswith(path):
            yield from _walk(Path(entry.path), path[:-1], prefix, after)
