"""Clients that mean no good: each kind holds as many connections as it gets, and comes again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

PACE_S = 0.25
"""Between two rounds of one attacker over its connections."""

Step = Callable[[socket.socket], object]


def nothing(_client: socket.socket) -> None:
    pass


def sends(data: bytes) -> Step:
    return lambda client: client.send(data)


def reads(client: socket.socket) -> None:
    """A byte in each round."""
    client.recv(1)


class Attack:
    """`count` connections: each is begun with `first`, and `again` is done to it in each round.

    One that the server ends is opened anew. `opened` counts all of them.
    """

    def __init__(
        self,
        address: tuple[str, int],
        count: int,
        first: Step,
        again: Step = nothing,
        source: str = "127.0.0.1",
    ) -> None:
        self.opened = 0
        self._source = source
        self._address = address
        self._first = first
        self._again = again
        self._clients: list[socket.socket | None] = [None] * count
        self._stop = threading.Event()
        self._full = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Attack:
        self._thread.start()
        assert self._full.wait(60)
        return self

    def held(self) -> int:
        """Connections that the server has neither ended nor answered."""
        return sum(client is not None and self._silent(client) for client in self._clients)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)
        for client in filter(None, self._clients):
            client.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            for place in range(len(self._clients)):
                self._visit(place)
            self._full.set()
            self._stop.wait(PACE_S)

    def _visit(self, place: int) -> None:
        client = self._clients[place]
        try:
            if client is None:
                client = self._clients[place] = socket.socket()
                # Small windows: an answer that is not read fills them soon.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.settimeout(5)
                client.bind((self._source, 0))
                client.connect(self._address)
                self.opened += 1
                client.setblocking(False)
                self._first(client)
            elif self._ended(client):
                client.close()
                self._clients[place] = None
            else:
                self._again(client)
        except BlockingIOError:
            pass
        except OSError:
            if client is not None:
                client.close()
            self._clients[place] = None

    @staticmethod
    def _ended(client: socket.socket) -> bool:
        """True where the server has closed it, and nothing is left to read."""
        try:
            return client.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False

    @staticmethod
    def _silent(client: socket.socket) -> bool:
        try:
            client.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False
