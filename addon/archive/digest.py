"""SHA-256 and size of a stream that passes by."""

from __future__ import annotations

import hashlib


class Digest:
    """Shown every block in turn; `size` and `sha256` are the whole stream's so far.

    Computed in the thread that encrypts, while its core still has the block: another thread had
    to fetch each one first, and waited for the interpreter's lock as often (decision 0106).
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0

    def __call__(self, block: bytes | bytearray) -> None:
        """Take note of a block."""
        self.size += len(block)
        self._hash.update(block)

    @property
    def sha256(self) -> str:
        """In lower-case hex."""
        return self._hash.hexdigest()
