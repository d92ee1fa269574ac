"""Sends voicemails to a deployment and takes their results, in one thread that costs little.

A sender with a thread and an HTTP library for each request took a fifth of the two cores that the
service ran on. Here one thread waits for all sockets: it sends each voicemail when it is due, on a
connection of its own as Twilio does, and answers each result 200 on a connection that stays open.
"""

from __future__ import annotations

import heapq
import random
import selectors
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Self

from addon.commands.marketplace import Callback
from benchmarks.sending import Template, new_token

CONNECTIONS = 48
"""Requests under way at once; what is due beyond them waits."""

ASK_AGAIN_S = 1.0
"""After a 503."""

END_OF_HEAD = b"\r\n\r\n"
TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
READ_BYTES = 256 * 1024


@dataclass
class Voicemail:
    """A voicemail of `seconds`; sent `at` a time of the clock, and the results that came for it."""

    seconds: float
    at: float
    token: str = field(default_factory=new_token)
    callbacks: list[Callback] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)

    @property
    def arrived_at(self) -> float:
        """When the first result came."""
        return self.callbacks[0].received_at

    @property
    def pace(self) -> float:
        """Elapsed over duration, once a result is there."""
        return (self.arrived_at - self.at) / self.seconds

    @property
    def is_success(self) -> bool:
        """True if its first result is a successful one, whenever it came."""
        return bool(self.callbacks[0].document()["status"] == "successful")


@dataclass
class _Connection:
    """One of either kind: bytes to send, bytes that came, and the voicemail that is being sent."""

    sock: socket.socket
    voicemail: Voicemail | None = None
    unsent: memoryview = field(default_factory=lambda: memoryview(b""))
    came: bytearray = field(default_factory=bytearray)


class Voicemails:
    """Listens at `origin` while it is entered; sends once it is told of a service."""

    def __init__(self, seed: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listener.setblocking(False)
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._dice = random.Random(seed)
        self._templates: Mapping[float, Template] = {}
        self._by_token: dict[str, Voicemail] = {}
        self._due: list[tuple[float, int, Voicemail]] = []
        self._numbers = count()
        self._under_way = 0
        self._selector = selectors.DefaultSelector()
        self._waking, self._woken = socket.socketpair()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.on_result: Callable[[Voicemail], None] = lambda _: None

    def __enter__(self) -> Self:
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, self._drain)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._wake()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()
        self._waking.close()

    def sends_to(
        self, port: int, auth_token: str, account: str, clips: Mapping[float, bytes]
    ) -> None:
        """Name the service, and a WAV file for each length in seconds."""
        self._templates = {
            seconds: Template.of(
                port,
                "/recording-analysis",
                auth_token,
                account,
                audio,
                callback=f"{self.origin}/callback/",
                seconds=seconds,
            )
            for seconds, audio in clips.items()
        }

    def send(self, at: float | None = None) -> Voicemail:
        """Have one of a random length sent now, or at a time of the clock."""
        with self._lock:
            seconds = self._dice.choice(list(self._templates))
            voicemail = Voicemail(seconds, time.time() if at is None else at)
            self._by_token[voicemail.token] = voicemail
            heapq.heappush(self._due, (voicemail.at, next(self._numbers), voicemail))
        self._wake()
        return voicemail

    def _wake(self) -> None:
        with suppress(BlockingIOError):
            self._waking.send(b"!")

    def _drain(self, _: int) -> None:
        self._woken.recv(4096)

    def _run(self) -> None:
        while not self._ended.is_set():
            for key, events in self._selector.select(self._begin_due()):
                key.data(events)

    def _begin_due(self) -> float:
        """Begin what is due; returns the seconds until the next is."""
        while self._under_way < CONNECTIONS:
            with self._lock:
                if not self._due or self._due[0][0] > time.time():
                    break
                *_, voicemail = heapq.heappop(self._due)
            self._begin(voicemail)
        else:
            return 1.0
        with self._lock:
            return max(0.0, min(1.0, self._due[0][0] - time.time())) if self._due else 1.0

    def _begin(self, voicemail: Voicemail) -> None:
        template = self._templates[voicemail.seconds]
        sock = socket.create_connection(("127.0.0.1", template.port))
        sock.setblocking(False)
        unsent = memoryview(template.request(voicemail.token))
        connection = _Connection(sock, voicemail, unsent)
        self._under_way += 1
        self._selector.register(
            sock, selectors.EVENT_WRITE, lambda events: self._go_on(connection, events)
        )

    def _go_on(self, connection: _Connection, events: int) -> None:
        """Send more of a request, or take its answer."""
        sock = connection.sock
        if events & selectors.EVENT_WRITE:
            connection.unsent = connection.unsent[sock.send(connection.unsent) :]
            if not connection.unsent:
                data = self._selector.get_key(sock).data
                self._selector.modify(sock, selectors.EVENT_READ, data)
            return
        answer = sock.recv(4096)
        self._close(connection)
        self._under_way -= 1
        voicemail = connection.voicemail
        assert voicemail is not None
        if b" 503 " in answer[:20]:
            with self._lock:
                due = (time.time() + ASK_AGAIN_S, next(self._numbers), voicemail)
                heapq.heappush(self._due, due)
        elif b" 202 " not in answer[:20]:
            raise SystemExit(f"not accepted: {answer[:80]!r}")

    def _close(self, connection: _Connection) -> None:
        self._selector.unregister(connection.sock)
        connection.sock.close()

    def _accept(self, _: int) -> None:
        sock, _address = self._listener.accept()
        sock.setblocking(False)
        connection = _Connection(sock)
        self._selector.register(sock, selectors.EVENT_READ, lambda _: self._receive(connection))

    def _receive(self, connection: _Connection) -> None:
        """Take results off a connection, and answer each that is whole."""
        try:
            came = connection.sock.recv(READ_BYTES)
        except ConnectionError:
            came = b""
        if not came:
            self._close(connection)
            return
        connection.came += came
        while (request := _whole(connection.came)) is not None:
            token, kind, body = request
            self._take(token, Callback(body, True, kind, time.time()))
            connection.sock.send(TAKEN)

    def _take(self, token: str, callback: Callback) -> None:
        voicemail = self._by_token[token]
        voicemail.callbacks.append(callback)
        if len(voicemail.callbacks) == 1:
            self.on_result(voicemail)
            voicemail.arrived.set()


def _whole(came: bytearray) -> tuple[str, str, bytes] | None:
    """Take the first whole request off what came: the end of its path, its type and its body."""
    end = came.find(END_OF_HEAD)
    if end < 0:
        return None
    first, *lines = bytes(came[:end]).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    begin = end + len(END_OF_HEAD)
    size = int(headers["content-length"])
    if len(came) < begin + size:
        return None
    body = bytes(came[begin : begin + size])
    del came[: begin + size]
    path = first.split(" ")[1]
    return path.rpartition("/")[2], headers.get("content-type", ""), body
