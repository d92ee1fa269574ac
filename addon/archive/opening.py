"""The store that the settings or a URL name: a directory or a bucket. Nothing is contacted yet."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from addon.archive.store import Patience, Store
from addon.errors import SettingsError
from addon.settings import Settings


def store_of(settings: Settings, *, patience: Patience | None = None) -> Store:
    """The store at ARCHIVE_URL, with the storage class and the kind of lock that the settings say.

    Raises SettingsError.
    """
    return open_store(
        settings.archive_url,
        patience=patience,
        storage_class=settings.archive_storage_class,
        lock_mode=settings.archive_lock_mode,
        stores=settings.data_dir / "stores",
    )


def open_store(
    url: str,
    *,
    patience: Patience | None = None,
    storage_class: str | None = None,
    lock_mode: str = "governance",
    stores: Path | None = None,
) -> Store:
    """The store at `file:///path` or `s3://bucket/prefix`. Raises SettingsError.

    `stores` is the folder in which the marks of directories are remembered (mark.py). A query is
    refused: an option written there would be lost without a word.
    """
    parts = urlsplit(url)
    if parts.query:
        raise SettingsError(
            "ARCHIVE_URL must have no query: ARCHIVE_LOCK_DAYS, ARCHIVE_LOCK_MODE and "
            "ARCHIVE_STORAGE_CLASS are settings of their own"
        )
    if parts.scheme == "file" and parts.path and not parts.netloc:
        from addon.archive.directory import DirectoryStore
        from addon.archive.mark import Mark

        if storage_class is not None:
            raise SettingsError("ARCHIVE_STORAGE_CLASS is set, but ARCHIVE_URL is no bucket")
        root = Path(unquote(parts.path))
        mark = Mark(root, stores / _file_name(root)) if stores else None
        return DirectoryStore(root, mark)
    if parts.scheme == "s3" and parts.netloc:
        from addon.archive.s3 import S3Store

        return S3Store(
            parts.netloc,
            parts.path.strip("/"),
            patience=patience,
            lock_mode=lock_mode,
            storage_class=storage_class,
        )
    raise SettingsError("ARCHIVE_URL: neither file:///a/path nor s3://bucket/prefix")


def _file_name(root: Path) -> str:
    """The name of the file in which a directory's mark is remembered: it follows from the path."""
    return hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
