"""Clients that mean no good: each kind holds as many connections as it gets, and comes again."""

from __future__ import annotations

import multiprocessing
import resource
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from typing import Any

from tests.conftest import ACCOUNT

PACE_S = 0.02
"""Between two rounds of one attacker over its connections: as fast as a thread can, all but."""

Step = Callable[[socket.socket], object]

Kind = Callable[[str], tuple[Step, Step]]
"""What is done first and then again in each round, given the path of a long recording."""

SHAPED = (
    b"POST /recording-analysis HTTP/1.1\r\nHost: a\r\nX-Twilio-Signature: "
    + b"A" * 27
    + b"=\r\nX-Twilio-VendorAccountSid: "
    + ACCOUNT.encode()
    + b"\r\nX-Twilio-RequestSid: XR"
    + b"0" * 32
    + b"\r\nContent-Type: multipart/form-data; boundary=b\r\n"
)
"""The head of a forgery that no cheap check refuses."""


def nothing(_client: socket.socket) -> None:
    pass


def sends(data: bytes) -> Step:
    return lambda client: client.send(data)


def reads(client: socket.socket) -> None:
    """A byte in each round."""
    client.recv(1)


def asks(path: str, times: int = 1) -> Step:
    """The same request several times in one packet."""
    return sends(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode() * times)


def asks_again(path: str) -> Step:
    """The next request, once the answer to the one before has come."""
    ask = asks(path)

    def step(client: socket.socket) -> None:
        client.recv(64 * 1024)
        ask(client)

    return step


ATTACKS: dict[str, Kind] = {
    "say nothing": lambda _: (nothing, nothing),
    "say one byte": lambda _: (sends(b"G"), nothing),
    "drip headers": lambda _: (sends(b"POST / HTTP/1.1\r\nX-Endless: "), sends(b"x")),
    "withhold a body": lambda _: (sends(SHAPED + b"Content-Length: 900000\r\n\r\n"), nothing),
    "withhold the end": lambda _: (
        sends(SHAPED + b"Content-Length: 300000\r\n\r\n" + bytes(290_000)),
        nothing,
    ),
    "withhold a chunk": lambda _: (
        sends(SHAPED + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n"),
        nothing,
    ),
    "wait for 100": lambda _: (
        sends(SHAPED + b"Expect: 100-continue\r\nContent-Length: 9000\r\n\r\n"),
        nothing,
    ),
    "drip a body": lambda _: (sends(SHAPED + b"Content-Length: 900000\r\n\r\n"), sends(b"x")),
    "drip chunks": lambda _: (
        sends(SHAPED + b"Transfer-Encoding: chunked\r\n\r\n"),
        sends(b"1\r\nx\r\n"),
    ),
    "never read audio": lambda link: (asks(link), nothing),
    "never read pages": lambda _: (asks("/openapi.json", 50), nothing),
    "drip audio": lambda link: (asks(link), reads),
    "drip pages": lambda _: (asks("/openapi.json", 50), reads),
    "pipeline": lambda _: (asks("/healthz", 200), nothing),
    "stay after an answer": lambda _: (asks("/healthz"), nothing),
}


FORGED = SHAPED + b"Content-Length: 400\r\n\r\n" + bytes(400)

FLOODS: dict[str, Kind] = {
    "ask": lambda _: (asks("/healthz"), asks_again("/healthz")),
    "ask for pages": lambda _: (asks("/openapi.json"), asks_again("/openapi.json")),
    "forge invocations": lambda _: (sends(FORGED), nothing),
}
"""Whole requests, one after the other on each connection."""


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
        sources: Sequence[str] = ("127.0.0.1",),
        pace_s: float = PACE_S,
    ) -> None:
        self.opened = 0
        self._sources = sources
        self._pace_s = pace_s
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
            self._stop.wait(self._pace_s)

    def _visit(self, place: int) -> None:
        client = self._clients[place]
        try:
            if client is None:
                client = self._clients[place] = socket.socket()
                # Small windows: an answer that is not read fills them soon.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.settimeout(5)
                client.bind((self._sources[place % len(self._sources)], 0))
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


@contextmanager
def attacked(name: str, port: int, count: int, link: str = "", **options: Any) -> Iterator[None]:
    """An attack or a flood from a process of its own, so that it takes no time of the caller's."""
    context = multiprocessing.get_context("spawn")
    begun, over = context.Event(), context.Event()
    arguments = (name, port, count, link, options, begun, over)
    process = context.Process(target=_attack, args=arguments)
    process.start()
    try:
        assert begun.wait(120)
        yield
    finally:
        over.set()
        process.join(120)


def _attack(
    name: str,
    port: int,
    count: int,
    link: str,
    options: dict[str, Any],
    begun: Event,
    over: Event,
) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    first, again = (ATTACKS | FLOODS)[name](link)
    with Attack(("127.0.0.1", port), count, first, again, **options):
        begun.set()
        over.wait()
