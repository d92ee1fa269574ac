"""The sending half of a connection."""

from __future__ import annotations

import select
import socket
import time
from collections import deque


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
        """True once nothing waits, after at most so many seconds. Raises OSError as `flush`."""
        poll, until = select.poll(), time.monotonic() + seconds
        poll.register(self._sock, select.POLLOUT)
        while self._waiting:
            left = until - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                return False
            self.flush()
        return True

    def sendall(self, data: bytes) -> None:
        """Send, or keep for `flush`. Raises OSError where the client has gone."""
        self._waiting.append(memoryview(data))
        self.flush()

    def send(self, data: bytes) -> int:
        """The same, for the one place where gunicorn sends so."""
        self.sendall(data)
        return len(data)

    def flush(self) -> None:
        """Send what the kernel takes now. Raises OSError where the client has gone."""
        while self._waiting:
            block = self._waiting[0]
            try:
                count = self._sock.send(block)
            except BlockingIOError:
                return
            self.sent += count
            if count < len(block):
                self._waiting[0] = block[count:]
            else:
                self._waiting.popleft()
