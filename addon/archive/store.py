"""The interface of the object store: a directory or a bucket, chosen by its URL.

An object is written whole or not at all, and a conditional create never overwrites. What is stored
here is ciphertext or signed metadata; this module must never look into it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from addon.archive.digest import Digest
from addon.errors import NotStored

MAX_KEY_LENGTH = 512
"""S3 allows 1,024 bytes; half of it leaves room for the bucket's own prefix."""

MAX_SMALL_OBJECT = 16 * 1024 * 1024
"""`get` holds an object in memory: a manifest, an analysis with its waveform, an epoch key."""

FIRST_READ = 64 * 1024 + 32
"""Bytes of the first read: one stored frame (layout), which a listener waits for."""

READ_SIZE = 4 * FIRST_READ
"""Bytes of each further read: whole frames, so that a reader of them meets no seam; what stays in a
core's cache is read as fast as larger blocks."""

_SEGMENT = r"[A-Za-z0-9][A-Za-z0-9._:@=+-]*"
_KEY = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_PREFIX = re.compile(rf"(?:{_SEGMENT}/)*(?:{_SEGMENT})?")


@dataclass(frozen=True)
class Stat:
    """One stored object: size in bytes, an opaque `etag` that changes with the content."""

    key: str
    size: int
    etag: str
    modified: datetime


@dataclass(frozen=True)
class Patience:
    """Time limits towards a store that does not answer: seconds, and tries in all.

    Within `refused_s` of a call's beginning, what the store refuses for a moment is asked again.
    """

    connect_s: float = 5.0
    read_s: float = 30.0
    attempts: int = 5
    refused_s: float = 0.0


WEB_PATIENCE = Patience(connect_s=0.4, read_s=5.0, attempts=1, refused_s=1.0)
"""Somebody waits for the answer: an unreachable store is known within a second, and a bucket that
is busy for a moment refuses nobody."""


class Store(Protocol):
    """Keys to bytes. Every failure of the store itself is StoreUnavailable."""

    def put(
        self,
        key: str,
        blocks: Iterable[bytes],
        *,
        if_absent: bool = True,
        digest: Digest | None = None,
    ) -> Stat:
        """Write `blocks` under `key`, visible only when all of it is durable; `digest` sees it all.

        Raises AlreadyStored where `if_absent` meets an object. An exception from `blocks` passes
        through and leaves nothing behind.
        """

    def get(self, key: str) -> bytes:
        """The whole of a small object. Raises NotStored; Tampered past MAX_SMALL_OBJECT."""

    def read(
        self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None
    ) -> Iterator[bytes]:
        """Bytes from `start`, fewer than `length` only at the end of the object.

        Raises NotStored, and Tampered where `etag` is no longer the object's.
        """

    def read_into(
        self, memory: memoryview, key: str, start: int, length: int, *, etag: str
    ) -> Iterator[memoryview]:
        """The same bytes in blocks that may lie in `memory`, as much as it holds: each is written
        over by the next.

        New memory for each block costs a listener's range as much as decrypting it.
        """

    def stat(self, key: str) -> Stat | None:
        """Size and etag, or None where there is no such object."""

    def delete(self, key: str) -> None:
        """Remove the object and every older version of it; nothing happens where there is none.

        Raises RetentionLocked, and then removes nothing.
        """

    def list(self, prefix: str = "", *, after: str | None = None) -> Iterator[Stat]:
        """The objects whose key starts with `prefix`, in key order, those past `after` only."""

    def retain(self, key: str, until: datetime) -> None:
        """Forbid deleting and replacing this object before `until`. Raises NotStored."""

    def can_retain(self) -> bool:
        """True where `retain` works. Raises StoreUnavailable."""


def list_each(store: Store, prefixes: Iterable[str], *, after: str = "") -> Iterator[Stat]:
    """The objects under several prefixes in the order of keys, those past `after` only."""
    for prefix in sorted(prefixes):
        if after.startswith(prefix):
            yield from store.list(prefix, after=after)
        elif after < prefix:
            yield from store.list(prefix)


def checked_key(key: str) -> str:
    """`key` itself. Raises NotStored where nothing could ever lie under such a name."""
    if len(key) > MAX_KEY_LENGTH or not _KEY.fullmatch(key):
        raise NotStored("no object can have such a name")
    return key


def checked_prefix(prefix: str) -> str:
    """`prefix` itself, a key's beginning. Raises NotStored where no key can begin so."""
    if len(prefix) > MAX_KEY_LENGTH or not _PREFIX.fullmatch(prefix):
        raise NotStored("no object can have such a name")
    return prefix
