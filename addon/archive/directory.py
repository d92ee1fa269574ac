"""The store as a directory: one file an object, durable before it is visible.

A file is written aside, synced, and linked to its name in one step, so that a reader never meets
half an object and two writers never overwrite each other. It must never follow a key outside its
root.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from addon.archive.store import MAX_SMALL_OBJECT, READ_SIZE, Stat, checked_key, checked_prefix
from addon.errors import (
    AddonError,
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
_PUBLISH_TRIES = 8
"""A concurrent delete may remove an emptied directory just before the new name is linked there."""


class DirectoryStore:
    """Objects under `root`, which is made when the first one is written."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self._cleared = False

    def put(self, key: str, blocks: Iterable[bytes], *, if_absent: bool = True) -> Stat:
        """See Store.put."""
        path = self._path(key)
        if not if_absent:
            self._refuse_if_locked(key)
        elif self.stat(key) is not None:
            raise AlreadyStored("there is an object under this key")
        return self._write(key, path, blocks, replace=not if_absent)

    def get(self, key: str) -> bytes:
        """See Store.get."""
        with _failures("read"), self._open(key) as file:
            content = file.read(MAX_SMALL_OBJECT + 1)
        if len(content) > MAX_SMALL_OBJECT:
            raise Tampered("an object that must be small is not")
        return content

    def read(
        self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None
    ) -> Iterator[bytes]:
        """See Store.read."""
        with _failures("read"), self._open(key) as file:
            if etag is not None and _stat(key, os.fstat(file.fileno())).etag != etag:
                raise Tampered("the object was replaced while it was read")
            file.seek(start)
            left = length
            while left is None or left > 0:
                block = file.read(READ_SIZE if left is None else min(left, READ_SIZE))
                if not block:
                    return
                left = None if left is None else left - len(block)
                yield block

    def stat(self, key: str) -> Stat | None:
        """See Store.stat."""
        with _failures("stat"):
            try:
                return _stat(key, self._path(key).stat())
            except (FileNotFoundError, NotADirectoryError):
                return None

    def delete(self, key: str) -> None:
        """See Store.delete."""
        path = self._path(key)
        with _failures("delete"):
            if not path.exists():
                return
            self._refuse_if_locked(key)
            path.unlink(missing_ok=True)
            _sync_directory(path.parent)
            self._lock_path(key).unlink(missing_ok=True)
            self._prune(path.parent)

    def list(self, prefix: str = "", *, after: str | None = None) -> Iterator[Stat]:
        """See Store.list."""
        checked_prefix(prefix)
        folder = prefix.rpartition("/")[0]
        with _failures("list"):
            for key, entry in _walk(self.root / folder, folder, prefix, after or ""):
                with suppress(FileNotFoundError):
                    yield _stat(key, entry.stat())

    def retain(self, key: str, until: datetime) -> None:
        """See Store.retain. The lock is a file beside the objects that only this class honours."""
        if self.stat(key) is None:
            raise NotStored("there is no such object to lock")
        date = until.astimezone(UTC).isoformat().encode()
        self._write(key, self._lock_path(key), [date], replace=True)

    def can_retain(self) -> bool:
        """See Store.can_retain."""
        return True

    def _path(self, key: str) -> Path:
        return self.root / checked_key(key)

    def _lock_path(self, key: str) -> Path:
        return self.root / _LOCKS / checked_key(key)

    def _open(self, key: str) -> FileIO:
        try:
            return self._path(key).open("rb", buffering=0)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotStored("there is no such object") from None

    def _write(self, key: str, path: Path, blocks: Iterable[bytes], *, replace: bool) -> Stat:
        """Write aside, sync, publish; the file written aside never outlives this call."""
        unfinished = self.root / _UNFINISHED / secrets.token_hex(16)
        try:
            with _failures("write"):
                self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
                unfinished.parent.mkdir(mode=0o700, exist_ok=True)
                self._clear_what_was_left(unfinished.parent)
                file = FileIO(unfinished, "xb", opener=_private)
            with file:
                for block in blocks:
                    with _failures("write"):
                        _write_all(file, block)
                with _failures("write"):
                    os.fsync(file.fileno())
                    _publish(unfinished, path, self.root, replace=replace)
                return _stat(key, os.fstat(file.fileno()))
        finally:
            with suppress(OSError):
                unfinished.unlink()

    def _clear_what_was_left(self, folder: Path) -> None:
        if self._cleared:
            return
        self._cleared = True
        for path in folder.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - LEFT_AFTER_S:
                    path.unlink()

    def _refuse_if_locked(self, key: str) -> None:
        with _failures("read a lock"), suppress(FileNotFoundError):
            until = datetime.fromisoformat(self._lock_path(key).read_text())
            if datetime.now(UTC) < until:
                raise RetentionLocked(f"a retention lock holds this object until {until:%Y-%m-%d}")

    def _prune(self, folder: Path) -> None:
        """Remove directories that the last deletion emptied."""
        with suppress(OSError):
            while folder != self.root:
                folder.rmdir()
                folder = folder.parent


@contextmanager
def _failures(doing: str) -> Iterator[None]:
    """Every error of the file system as StoreUnavailable, without the path."""
    try:
        yield
    except AddonError:
        raise
    except OSError as error:
        raise StoreUnavailable(
            f"the archive's directory failed to {doing}: {error.strerror}"
        ) from error


def _publish(unfinished: Path, path: Path, root: Path, *, replace: bool) -> None:
    """Give a synced file its name, atomically, and make the name durable."""
    for attempt in range(1, _PUBLISH_TRIES + 1):
        _make_folders(path.parent, root)
        try:
            if replace:
                unfinished.replace(path)
            else:
                path.hardlink_to(unfinished)
            return _sync_directory(path.parent)
        except FileExistsError:
            raise AlreadyStored("there is an object under this key") from None
        except FileNotFoundError:
            if attempt == _PUBLISH_TRIES:
                raise
    raise AssertionError("unreachable")


def _make_folders(folder: Path, root: Path) -> None:
    """Make `folder`, each new name durable in its parent before the next."""
    if folder.exists():
        return
    if folder != root:
        _make_folders(folder.parent, root)
    folder.mkdir(mode=0o700, parents=folder == root, exist_ok=True)
    _sync_directory(folder.parent)


def _sync_directory(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _write_all(file: FileIO, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[file.write(view) :]


def _stat(key: str, status: os.stat_result) -> Stat:
    etag = f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"
    return Stat(key, status.st_size, etag, datetime.fromtimestamp(status.st_mtime, UTC))


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
