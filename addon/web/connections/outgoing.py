"""The sending half of a connection."""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from itertools import islice

BUFFERS_AT_ONCE = 16
"""Sent by one call; an answer's headers and one block of it are two."""

TAKES_VIEWS = "addon.takes_views"
"""In a request's environ: a block of the answer may be a view of memory that the next block is
written into, because that is asked for only once this one is sent."""


class Outgoing:
    """The sending half of a socket, as gunicorn's Response writes to it; it never blocks.

    What the kernel does not take is kept. `sent` counts the bytes taken so far.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sent = 0
        self._sock = sock
        self._waiting: deque[memoryview] = deque()

    @property
    def waiting(self) -> bool:
        """True where bytes wait for the client to read."""
        return bool(self._waiting)

    def drained(self, seconds: float) -> bool:
        """True once all is sent, after at most so many seconds. Raises OSError as `flush`."""
        self.flush()
        if not self._waiting:
            return True
        poll, until = select.poll(), time.monotonic() + seconds
        poll.register(self._sock, select.POLLOUT)
        while self._waiting:
            left = until - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                return False
            self.flush()
        return True

    def sendall(self, data: bytes | memoryview) -> None:
        """Keep for `flush`: the headers of an answer and its first block leave together."""
        self._waiting.append(memoryview(data))

    def send(self, data: bytes) -> int:
        """The same, for the one place where gunicorn sends so."""
        self.sendall(data)
        return len(data)

    def flush(self) -> None:
        """Send what the kernel takes now. Raises OSError where the client has gone."""
        while self._waiting:
            try:
                count = self._sock.sendmsg(list(islice(self._waiting, BUFFERS_AT_ONCE)))
            except BlockingIOError:
                return
            self.sent += count
            self._drop(count)

    def _drop(self, count: int) -> None:
        """Keep nothing of the first `count` bytes that wait."""
        while self._waiting and count >= len(self._waiting[0]):
            count -= len(self._waiting.popleft())
        if count:
            self._waiting[0] = self._waiting[0][count:]
