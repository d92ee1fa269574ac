"""The audio of an upload while its signature is checked: in memory, and encrypted on disk beyond.

Most uploads never reach the disk before they are verified (decision 0005).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from addon.archive.spool import SealedSpool

MEMORY_BYTES = 1024 * 1024
"""A minute of telephone audio. As many threads as work hold so much each."""

BLOCK_BYTES = 64 * 1024


class Upload:
    """Takes audio block by block; gives it from its beginning each time that it is iterated."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._spool: SealedSpool | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Forget the audio."""
        self._held = []
        if self._spool is not None:
            self._spool.close()

    def write(self, block: bytes, /) -> None:
        """Take the next block."""
        if self._spool is None and self._held_bytes + len(block) <= MEMORY_BYTES:
            self._held.append(block)
            self._held_bytes += len(block)
            return
        if self._spool is None:
            self._spool = SealedSpool()
        self._spool.write(block)

    def __iter__(self) -> Iterator[bytes]:
        yield from self._held
        if self._spool is not None:
            self._spool.seek(0)
            while block := self._spool.read(BLOCK_BYTES):
                yield block
