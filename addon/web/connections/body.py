"""A request's body, taken off the wire before the application reads it.

A short body is held in memory, and of a longer one the first bytes; the rest is encrypted on disk,
within a budget for all bodies of this process (decision 0005). A body that was cut, ended early or
is badly framed raises its error at the first read: it never passes for a whole one.
"""

from __future__ import annotations

import io
from collections import deque
from typing import BinaryIO, cast

from addon.archive.spool import SealedSpool
from addon.errors import AddonError, UploadBroken

MEMORY_BYTES = 128 * 1024
"""Held in memory, and not counted: as many bodies as connections may have it. A temporary URL's
form has a few hundred bytes."""

SHORT_BYTES = 1024 * 1024
"""A body of no more than this is held in memory as a whole, while HELD_BYTES last: half a minute of
two-channel telephone audio."""

HELD_BYTES = 16 * 1024 * 1024
"""Of short bodies beyond their first MEMORY_BYTES, in one process: as many as threads answer."""

LEAST_BLOCK_BYTES = 4096
"""Shorter pieces are laid together: an object for each byte would take fifty times its size."""

SEGMENT_BYTES = 4 * 1024 * 1024
"""Bytes in one temporary file. A file that was read is gone, so the application's own copy of an
upload (addon/web/upload.py) adds no more than this to what lies on disk."""

BUSY_RETRY_AFTER_S = 5


class BodyPending(BaseException):
    """Raised by a read of a body that is still on its way: the application is called again later.

    Not an Exception, because no handler of the application may answer it.
    """


class PendingBody(io.RawIOBase):
    """The body of a request whose head alone has come."""

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, _buffer: object) -> int:
        """Raises BodyPending."""
        raise BodyPending


class Budget:
    """Bytes of unread uploads that this process may have on disk, and `held_left` those of short
    ones that it may have in memory. For one thread."""

    def __init__(self, limit: int, held: int = 0) -> None:
        self.left = limit
        self.held_left = held

    def take(self, count: int) -> None:
        """Take `count` bytes. Raises UploadBroken where there are not as many left."""
        if count > self.left:
            raise UploadBroken(
                "too many uploads are on their way", retry_after=float(BUSY_RETRY_AFTER_S)
            )
        self.left -= count


class ReceivedBody(io.RawIOBase):
    """A body that is written in one thread as it arrives, then read once in another.

    `received` counts its bytes; `held` are those of the budget's memory, `spooled` those in
    temporary files, and `copied` those that the reader's copy may have on disk beside them. All
    three count in the budget.
    """

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self.received = 0
        self.held = 0
        self.spooled = 0
        self.copied = 0
        self._budget = budget
        self._blocks: list[bytes] = []
        self._pieces = bytearray()
        self._memory = io.BytesIO()
        self._segments: deque[SealedSpool] = deque()
        self._error: AddonError | None = None

    def take(self, data: bytes) -> None:
        """The next bytes. Raises UploadBroken beyond the budget."""
        received = self.received + len(data)
        if not self._segments and self._fits(received):
            self._hold(data)
        else:
            self._budget.take(len(data))
            self.spooled += len(data)
            if not self._segments or self._segments[-1].tell() >= SEGMENT_BYTES:
                self._segments.append(SealedSpool())
            self._segments[-1].write(data)
        self.received = received

    def _fits(self, received: int) -> bool:
        """True where so many bytes may be held in memory; the budget has counted them then."""
        if received <= MEMORY_BYTES:
            return True
        more = received - MEMORY_BYTES - self.held
        if received > SHORT_BYTES or more > self._budget.held_left:
            return False
        self._budget.held_left -= more
        self.held += more
        return True

    def _hold(self, data: bytes) -> None:
        if len(data) < LEAST_BLOCK_BYTES:
            self._pieces += data
            return
        if self._pieces:
            self._blocks.append(bytes(self._pieces))
            self._pieces.clear()
        self._blocks.append(data)

    def fail(self, error: AddonError) -> None:
        """Nothing more is taken, what came is dropped, and reading raises `error`."""
        self._error = error
        self.release()

    def stream(self) -> BinaryIO:
        """The body for reading from its start."""
        self._memory = io.BytesIO(b"".join([*self._blocks, self._pieces]))
        self._blocks = []
        self._pieces.clear()
        if self._error is None and not self._segments:
            return self._memory
        for segment in self._segments:
            segment.seek(0)
        if not self.copied:
            self.copied = min(self.spooled, SEGMENT_BYTES)
            self._budget.left -= self.copied
        return cast(BinaryIO, io.BufferedReader(self, 64 * 1024))

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill a buffer with the next bytes; 0 at the end."""
        if self._error is not None:
            raise self._error
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if count := self._memory.readinto(view):
            return count
        while self._segments:
            if count := self._segments[0].readinto(view):
                return count
            self._segments.popleft().close()
        return 0

    def release(self) -> None:
        """Forget the bytes and give them back to the budget (`close` is the reader's to call)."""
        self._blocks, self._pieces, self._memory = [], bytearray(), io.BytesIO()
        while self._segments:
            self._segments.pop().close()
        self._budget.left += self.spooled + self.copied
        self._budget.held_left += self.held
        self.spooled = self.copied = self.held = 0
