"""A temporary file for audio that has to be read twice: encrypted, seekable, gone when closed.

The key is made for one spool and lives in its memory alone, so that what reaches the disk can never
be opened once the process is gone. Plaintext must never leave this module except to the caller.
"""

from __future__ import annotations

import io
import os
import tempfile
from typing import BinaryIO

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from addon.errors import Tampered

PAGE = 64 * 1024
"""Plaintext bytes a page: large enough that the cipher is never the cost (spec/ciphertext 2)."""

NONCE = 12
SLOT = NONCE + PAGE + 16
"""What a page takes on disk: its nonce, its bytes, its tag."""


class SealedSpool(io.RawIOBase):
    """A read-write file of any size, held encrypted in an unlinked temporary file.

    The page in use stays in memory. Each time a page is written to disk it gets the next nonce, so
    rewriting a page never repeats one. Not for two threads.
    """

    def __init__(self) -> None:
        super().__init__()
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._file: BinaryIO | None = None
        self._writes = 0
        self._size = 0
        self._position = 0
        self._number = 0
        self._page = bytearray(PAGE)
        self._dirty = False

    def readable(self) -> bool:
        """True."""
        return True

    def writable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position in plaintext bytes."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move in plaintext bytes; past the end is allowed, before the start is ValueError."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("seek before the start")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: object) -> int:
        """Fill a buffer as far as the spool reaches; 0 at its end."""
        if self.closed:
            raise ValueError("the spool is closed")
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        wanted = max(0, min(len(view), self._size - self._position))
        done = 0
        while done < wanted:
            start = self._turn_to(self._position // PAGE)
            take = min(PAGE - start, wanted - done)
            view[done : done + take] = self._page[start : start + take]
            done += take
            self._position += take
        return done

    def write(self, data: object) -> int:
        """Write all of `data` at the position."""
        if self.closed:
            raise ValueError("the spool is closed")
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        done = 0
        while done < len(view):
            start = self._turn_to(self._position // PAGE)
            take = min(PAGE - start, len(view) - done)
            self._page[start : start + take] = view[done : done + take]
            self._dirty = True
            done += take
            self._position += take
            self._size = max(self._size, self._position)
        return done

    def close(self) -> None:
        """Forget the bytes; the file has no name and is gone with this."""
        if self._file is not None:
            self._file.close()
        self._page = bytearray()
        super().close()

    def _turn_to(self, number: int) -> int:
        """Bring a page into memory; returns where in it the position lies."""
        if number != self._number:
            self._write_page()
            self._read_page(number)
        return self._position - number * PAGE

    def _write_page(self) -> None:
        if not self._dirty:
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the spool)
        self._writes += 1
        nonce = self._writes.to_bytes(NONCE, "big")
        self._file.seek(self._number * SLOT)
        self._file.write(nonce + self._cipher.encrypt(nonce, bytes(self._page), self._label()))
        self._dirty = False

    def _read_page(self, number: int) -> None:
        self._number = number
        slot = b""
        if self._file is not None:
            self._file.seek(number * SLOT)
            slot = self._file.read(SLOT)
        if not slot.strip(b"\0"):
            self._page = bytearray(PAGE)
            return
        try:
            plain = self._cipher.decrypt(slot[:NONCE], slot[NONCE:], self._label())
        except Exception:
            raise Tampered("a temporary spool was changed on disk") from None
        self._page = bytearray(plain)

    def _label(self) -> bytes:
        return self._number.to_bytes(8, "big")
