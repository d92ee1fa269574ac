"""The store that a URL names: a directory or a bucket. Nothing is contacted yet."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl, unquote, urlsplit

from addon.archive.store import Patience, Store
from addon.errors import SettingsError


def open_store(url: str, *, patience: Patience | None = None) -> Store:
    """The store at `file:///path` or `s3://bucket/prefix`; nothing is contacted yet.

    A bucket's URL may end in `?storage_class=…&lock_mode=governance|compliance`, either URL in
    `?lock_days=…` (see `lock_of`). Raises SettingsError.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path and not parts.netloc:
        from addon.archive.directory import DirectoryStore

        return DirectoryStore(unquote(parts.path))
    if parts.scheme == "s3" and parts.netloc:
        from addon.archive.s3 import S3Store

        options = dict(parse_qsl(parts.query))
        return S3Store(
            parts.netloc,
            parts.path.strip("/"),
            patience=patience or Patience(),
            lock_mode=options.get("lock_mode", "governance"),
            storage_class=options.get("storage_class"),
        )
    raise SettingsError("ARCHIVE_URL: neither file:///a/path nor s3://bucket/prefix")


def lock_of(url: str) -> timedelta | None:
    """How long the store's URL says a committed recording is locked. Raises SettingsError."""
    days = dict(parse_qsl(urlsplit(url).query)).get("lock_days")
    if days is None:
        return None
    if not days.isdecimal() or int(days) < 1:
        raise SettingsError("ARCHIVE_URL: lock_days is not a whole number of days")
    return timedelta(days=int(days))
