"""Limit on the whole time of one exchange with another host, however slowly its bytes arrive.

A socket's own timeout counts from read to read, so a host that sends one byte a second never
reaches it. The timer ends with the `with` block.
"""

from __future__ import annotations

import socket
import threading

from addon.errors import OutboundUnavailable


class TotalTimeout:
    """A timer that shuts down the sockets given to it once the whole time is up."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._sockets: list[socket.socket] = []
        self._passed = False
        self._timer = threading.Timer(seconds, self._close)
        self._timer.daemon = True

    def __enter__(self) -> TotalTimeout:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def guard(self, sock: socket.socket) -> None:
        """Shut this socket too when the time is up, or at once if it is."""
        self._sockets.append(sock)
        if self._passed:
            self._close()

    def release(self) -> None:
        """Leave its sockets alone from now on: another exchange goes on with them."""
        self._sockets = []

    def check(self, host: str) -> None:
        """Raise OutboundUnavailable where the time is up: a socket shut here reads as ended."""
        if self._passed:
            raise OutboundUnavailable(f"{host} took longer than {self._seconds:g} s")

    def _close(self) -> None:
        self._passed = True
        for sock in self._sockets:
            # The plain socket's shutdown: a TLS socket's own would race with the reading thread.
            try:
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                continue
