"""Cuts off clients that send their body too slowly: each would hold one of few threads for ever.

Gunicorn bounds neither the whole body nor its rate (its `timeout` is for a stuck worker). Only the
time spent waiting for the client counts, never our own work between two reads. A body that was
cut, ended early or is badly framed must never pass for a whole one.
"""

from __future__ import annotations

import contextlib
import io
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from addon.errors import UploadBroken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TICK_S = 0.25
"""How late a client may be cut."""

BLOCK_BYTES = 64 * 1024
"""A larger read is made of such pieces, so that what has come already counts for the client."""


@dataclass(frozen=True)
class Allowance:
    """The time that a client may make us wait: some seconds, and more the more it has sent."""

    base_seconds: float = 10.0
    """A mobile line's worst stall, with room."""
    bytes_per_second: float = 256 * 1024
    """Sixteen times a two-channel 8 kHz call's own rate; any data centre sends faster."""
    longest_seconds: float = 300.0
    """Whatever is sent: the longest a thread may be held."""

    def seconds(self, received: int) -> float:
        """The waiting allowed in total to a client that has sent `received` bytes."""
        return min(self.base_seconds + received / self.bytes_per_second, self.longest_seconds)


class UploadDeadline:
    """WSGI middleware: reading a body raises UploadBroken where it does not come whole in time."""

    def __init__(self, app: WSGIApplication, allowance: Allowance | None = None) -> None:
        self._app = app
        self._allowance = allowance or Allowance()
        self._watch = Watch()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request. Outside gunicorn there is no socket to cut, and nothing is done."""
        client = environ.get("gunicorn.socket")
        if client is not None:
            length = environ.get("CONTENT_LENGTH") or ""
            environ["wsgi.input"] = TimedBody(
                environ["wsgi.input"],
                int(length) if length.isdigit() else None,
                client,
                self._allowance,
                self._watch,
            )
        return self._app(environ, start_response)


class TimedBody(io.IOBase):
    """A request's body that comes whole and in time, or raises UploadBroken (PEP 3333).

    `length` is in bytes, or None for a chunked body, which tells its end itself.
    """

    def __init__(
        self,
        body: BinaryIO,
        length: int | None,
        client: socket.socket,
        allowance: Allowance,
        watch: Watch,
    ) -> None:
        self._body = body
        self._length = length
        self._client = client
        self._allowance = allowance
        self._watch = watch
        self._received = 0
        self._waited = 0.0

    def read(self, size: int | None = -1) -> bytes:
        """At most `size` bytes; all that are left for -1 or None."""
        left = sys.maxsize if size is None or size < 0 else size
        blocks: list[bytes] = []
        while left and (block := self._take(self._body.read, min(left, BLOCK_BYTES))):
            blocks.append(block)
            left -= len(block)
        return b"".join(blocks)

    def readline(self, size: int | None = -1) -> bytes:
        """One line, or at most `size` bytes of it."""
        limit = -1 if size is None else size
        return self._take(self._body.readline, limit) if limit else b""

    def _take(self, method: Callable[[int], bytes], size: int) -> bytes:
        """One read of `size` bytes or more. The server has its own exceptions for a bad body."""
        began = time.monotonic()
        deadline = began + self._allowance.seconds(self._received) - self._waited
        ticket = self._watch.add(self._client, deadline)
        try:
            data = method(size)
        except Exception as error:
            raise UploadBroken(f"the body cannot be read: {type(error).__name__}") from error
        finally:
            self._waited += time.monotonic() - began
            if self._watch.remove(ticket):
                raise UploadBroken("the body came too slowly")
        self._received += len(data)
        if not data and self._length is not None and self._received < self._length:
            raise UploadBroken("the body ended before its Content-Length")
        return data


class Watch:
    """One thread for all clients of this process: stops the reading of those past their deadline.

    Only the receiving half is shut down: the answer can still be sent. The thread ends when nobody
    is watched any more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[object, tuple[float, socket.socket]] = {}
        self._thread: threading.Thread | None = None

    def add(self, client: socket.socket, deadline: float) -> object:
        """Watch `client` until `deadline` (monotonic seconds); gives a ticket for `remove`."""
        ticket = object()
        with self._lock:
            self._waiting[ticket] = (deadline, client)
            # Started here and not in __init__, because threads do not survive gunicorn's fork.
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="uploads", daemon=True)
                self._thread.start()
        return ticket

    def remove(self, ticket: object) -> bool:
        """Stop watching. True where the client was cut; it is not cut any more after this."""
        with self._lock:
            return self._waiting.pop(ticket, None) is None

    def _run(self) -> None:
        while True:
            time.sleep(TICK_S)
            with self._lock:
                self._cut_the_late(time.monotonic())
                if not self._waiting:
                    self._thread = None
                    return

    def _cut_the_late(self, now: float) -> None:
        late = [ticket for ticket, (deadline, _) in self._waiting.items() if now >= deadline]
        for ticket in late:
            _, client = self._waiting.pop(ticket)
            # A client that has gone by itself needs no cutting.
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RD)
