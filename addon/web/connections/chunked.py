"""Decodes a chunked body as it arrives (RFC 9112 7.1), where gunicorn's reader would block."""

from __future__ import annotations

from addon.errors import UploadBroken

MAX_LINE_BYTES = 1024
"""A chunk's size is some hex digits; extensions are read over."""

MAX_TRAILER_BYTES = 16 * 1024

FREE_CHUNKS = 1000
LEAST_CHUNK_BYTES = 512
"""After FREE_CHUNKS the average chunk must have this size: tiny ones cost more than they bring."""


class ChunkedDecoder:
    """Takes the framed bytes and gives those of the body; `done` after the trailer.

    `rest` is what came after the body: the next request.
    """

    def __init__(self) -> None:
        self.done = False
        self.rest = b""
        self._buffer = bytearray()
        self._left = 0
        self._chunks = 0
        self._decoded = 0
        self._trailer: int | None = None

    def decode(self, data: bytes) -> bytes:
        """The body's bytes in `data`. Raises UploadBroken for a frame that is none."""
        self._buffer += data
        found: list[bytes] = []
        while not self.done and self._step(found):
            pass
        if self.done:
            self.rest, self._buffer = bytes(self._buffer), bytearray()
        return b"".join(found)

    def _step(self, found: list[bytes]) -> bool:
        """One line or one piece of a chunk; False where more bytes have to come first."""
        if self._trailer is not None:
            return self._trailer_line()
        if self._left > 2:
            piece = bytes(self._buffer[: self._left - 2])
            if not piece:
                return False
            del self._buffer[: len(piece)]
            self._left -= len(piece)
            self._decoded += len(piece)
            found.append(piece)
            return True
        if self._left:
            return self._chunk_end()
        return self._size_line()

    def _chunk_end(self) -> bool:
        if len(self._buffer) < 2:
            return False
        if self._buffer[:2] != b"\r\n":
            raise UploadBroken("the body cannot be read: a chunk has no end")
        del self._buffer[:2]
        self._left = 0
        return True

    def _size_line(self) -> bool:
        line = self._line(MAX_LINE_BYTES)
        if line is None:
            return False
        digits = line.partition(b";")[0].rstrip(b" \t")
        if not 0 < len(digits) <= 16 or digits.strip(b"0123456789abcdefABCDEF"):
            raise UploadBroken("the body cannot be read: a chunk has no size")
        size = int(digits, 16)
        self._chunks += 1
        if self._chunks > FREE_CHUNKS + self._decoded // LEAST_CHUNK_BYTES:
            raise UploadBroken("the body cannot be read: its chunks are too small")
        if size:
            self._left = size + 2
        else:
            self._trailer = 0
        return True

    def _trailer_line(self) -> bool:
        assert self._trailer is not None  # noqa: S101 - for the type checker
        line = self._line(MAX_TRAILER_BYTES - self._trailer)
        if line is None:
            return False
        self._trailer += len(line) + 2
        self.done = not line
        return not self.done

    def _line(self, limit: int) -> bytes | None:
        """The next line without its end, or None where that has not come yet."""
        end = self._buffer.find(b"\r\n", 0, max(limit, 0) + 2)
        if end < 0:
            if len(self._buffer) > limit:
                raise UploadBroken("the body cannot be read: a line of its framing is too long")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line
