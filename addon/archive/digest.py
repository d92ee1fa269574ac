"""SHA-256 of a stream that passes by, computed beside it.

Hashing plaintext and ciphertext costs more than encrypting does; it lets go of the interpreter's
lock, so that another core can do it. At most two batches are held in memory.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import Executor, Future

BATCH_SIZE = 1024 * 1024
"""Large enough that handing it over costs nothing; a stream below it never needs a thread."""


class Digest:
    """Shown every block in turn; `size` and `sha256` are the whole stream's so far."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._hash = hashlib.sha256()
        self._batch: list[bytes] = []
        self._batch_size = 0
        self._running: Future[None] | None = None
        self.size = 0

    def __call__(self, block: bytes) -> None:
        """Take note of a block."""
        self.size += len(block)
        self._batch.append(block)
        self._batch_size += len(block)
        if self._batch_size >= BATCH_SIZE:
            self._wait()
            self._running = self._pool.submit(self._update, self._take())

    @property
    def sha256(self) -> str:
        """In lower-case hex."""
        self._wait()
        self._update(self._take())
        return self._hash.hexdigest()

    def _update(self, batch: list[bytes]) -> None:
        for block in batch:
            self._hash.update(block)

    def _take(self) -> list[bytes]:
        batch, self._batch, self._batch_size = self._batch, [], 0
        return batch

    def _wait(self) -> None:
        if self._running is not None:
            self._running.result()
            self._running = None
