"""The reading half of the worker: heads and bodies are taken off the wire without a thread."""

from __future__ import annotations

import contextlib
import selectors
import time
from abc import ABC, abstractmethod
from functools import partial
from typing import Any

from gunicorn.http.body import ChunkedReader  # type: ignore[import-untyped]
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from addon.errors import AddonError, Unavailable, UploadBroken, UploadTooLarge
from addon.web.connections.addresses import client_of
from addon.web.connections.body import MEMORY_BYTES, SHORT_BYTES, Budget, ReceivedBody
from addon.web.connections.chunked import ChunkedDecoder
from addon.web.connections.connection import Connection, State
from addon.web.connections.heads import ServerConfig, parsed
from addon.web.connections.limits import Limits
from addon.web.connections.registry import Group, Registry

BLOCK_BYTES = 64 * 1024
END_OF_HEAD = b"\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
    b"Content-Length: 0\r\n\r\n"
)


class ReceivingWorker(ThreadWorker, ABC):  # type: ignore[misc] # gunicorn has no types
    """Reads requests; what is done with them is its subclass's, by the abstract methods."""

    limits: Limits
    registry: Registry
    budget: Budget
    server_config: ServerConfig

    @abstractmethod
    def _call(self, connection: Connection, body: ReceivedBody | None) -> None:
        """Have a thread call the application; without a body, to see whether it wants one."""

    @abstractmethod
    def _writable(self, connection: Connection) -> None:
        """The client takes more of its answer."""

    @abstractmethod
    def _linger(self, connection: Connection) -> None:
        """Close, where bytes may be unread only after the client has had time for its answer."""

    @abstractmethod
    def _close(self, connection: Connection, *, reset: bool = False) -> None:
        """Close at once."""

    @abstractmethod
    def _drop_for_another(self, group: Group) -> bool:
        """Make room; False where every connection is being worked on."""

    def _listen_for(self, connection: Connection, events: int) -> None:
        """Read or write events of this connection, or none."""
        if events == connection.events:
            return
        if not events:
            self.poller.unregister(connection.sock)
        elif connection.events:
            self.poller.modify(connection.sock, events, partial(self._ready, connection))
        else:
            self.poller.register(connection.sock, events, partial(self._ready, connection))
        connection.events = events

    def _ready(self, connection: Connection, _sock: Any = None) -> None:
        """An event. It may be of a connection that was dropped in this very turn."""
        try:
            if connection.state is State.SENDING:
                self._writable(connection)
            elif connection.state not in (State.WORK, State.CLOSED):
                self._readable(connection)
        except Exception:
            self._end_by_defect(connection)

    def _end_by_defect(self, connection: Connection) -> None:
        """A defect of ours ends one connection, not the process with all of them."""
        self.log.exception("a connection was closed by a defect")
        self._close(connection, reset=True)

    def _receive(self, connection: Connection) -> bytes | None:
        """Bytes that have come; empty at the end, and None where nothing has come yet."""
        try:
            return connection.sock.recv(BLOCK_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _readable(self, connection: Connection) -> None:
        if connection.state is State.BODY:
            if connection.asked or self._may_hold_more(connection):
                self._read_body(connection)
            else:
                self._ask_by_head(connection)
            return
        data = self._receive(connection)
        if data is None:
            return
        if connection.state is State.LINGERING:
            # What came is dropped: whoever closes with bytes unread resets the connection, and the
            # answer is lost.
            connection.dropped += len(data)
            if not data or connection.dropped > self.limits.lingering_bytes:
                self._close(connection, reset=bool(data))
        elif data:
            if connection in self.registry.everything.kept:
                self.registry.await_head(connection, self.limits.head_s, kept=False)
            connection.buffer += data
            self._look_for_head(connection)
        else:
            self._close(connection)

    def _look_for_head(self, connection: Connection) -> None:
        """Begin the next request where its head is whole."""
        buffer = connection.buffer
        end = buffer.find(END_OF_HEAD, connection.searched)
        if end < 0:
            connection.searched = max(0, len(buffer) - 3)
            if len(buffer) > self.limits.head_bytes:
                self._refuse(connection, LimitRequestHeaders("the headers are too long"))
            return
        head = bytes(buffer[: end + 4])
        del buffer[: end + 4]
        connection.searched = 0
        try:
            connection.request = parsed(self.server_config, head, connection.client)
        except (StopIteration, NoMoreData):
            self._close(connection)
        except Exception as error:
            self._refuse(connection, error)
        else:
            self._take_request(connection)

    def _refuse(self, connection: Connection, error: Exception) -> None:
        """No request: gunicorn says why."""
        with contextlib.suppress(OSError):
            self.handle_error(None, connection.sock, connection.client, error)
        connection.unread = True
        self._linger(connection)

    def _take_request(self, connection: Connection) -> None:
        """A head is whole; its body may be."""
        request = connection.request
        # Gunicorn would send "100 Continue" before the application has seen the head.
        connection.expects_continue = request._expected_100_continue
        request._expected_100_continue = False
        if self.limits.trusted_proxies and not self._count_forwarded(connection):
            with contextlib.suppress(OSError):
                connection.sock.send(TOO_MANY)
            connection.unread = True
            self._linger(connection)
            return
        reader = request.body.reader
        chunked = isinstance(reader, ChunkedReader)
        connection.framing = ChunkedDecoder() if chunked else reader.length
        if not connection.framing:
            self._call(connection, ReceivedBody(self.budget))
            return
        connection.body = ReceivedBody(self.budget)
        connection.body_began, connection.credited = time.monotonic(), 0
        came, connection.buffer = bytes(connection.buffer), bytearray()
        self.registry.enter(connection, State.BODY, self.limits.body_s)
        self._take(connection, came)
        while connection.state is State.BODY and self._may_hold_more(connection):
            if not self._read_body(connection):
                break
        if connection.state is State.BODY:
            if connection.expects_continue or not self._may_hold_more(connection):
                self._ask_by_head(connection)
            else:
                # Most bodies follow their head at once: that spares the first call.
                connection.asked = False
                self._await_body(connection)

    def _ask_by_head(self, connection: Connection) -> None:
        """The application may refuse a body unread, by its head: it must not cost more."""
        connection.asked = True
        self._call(connection, None)

    def _may_hold_more(self, connection: Connection) -> bool:
        """True where another block of a body stays in memory, as far as its head tells."""
        assert connection.body is not None  # noqa: S101 - the state says so
        if connection.body.received < MEMORY_BYTES:
            return True
        length = connection.framing
        is_short = isinstance(length, int) and length <= SHORT_BYTES
        return is_short and self.budget.held_left >= SHORT_BYTES

    def _read_body(self, connection: Connection) -> bool:
        """Take what has come of a body; False where nothing has."""
        data = self._receive(connection)
        if data:
            self._take(connection, data)
        elif data is not None:
            self._fail(connection, UploadBroken("the body ended before it was whole"))
        return data is not None

    def _count_forwarded(self, connection: Connection) -> bool:
        """Count the connection for the client that the proxy names; False for one too many."""
        forwarded = ",".join(
            value for name, value in connection.request.headers if name == "X-FORWARDED-FOR"
        )
        proxies = self.limits.trusted_proxies
        group = self.registry.group_of(client_of(connection.peer, forwarded, proxies))
        if self.registry.is_in(connection, group):
            return True
        if group.full and not self._drop_for_another(group):
            return False
        self.registry.move(connection, group)
        return True

    def _take(self, connection: Connection, data: bytes) -> None:
        """The next bytes of a body; what comes after it stays in the buffer."""
        body = connection.body
        assert body is not None  # noqa: S101 - the state says so
        try:
            if isinstance(connection.framing, ChunkedDecoder):
                decoder = connection.framing
                piece, done = decoder.decode(data), decoder.done
                rest = decoder.rest
            else:
                left = connection.framing - body.received
                piece, rest, done = data[:left], data[left:], len(data) >= left
            if self._length(connection, piece) > self.limits.body_bytes:
                raise UploadTooLarge("the request is larger than we accept")
            if piece:
                self._store(body, piece)
        except AddonError as error:
            self._fail(connection, error)
            return
        if done:
            connection.buffer += rest
            self._call(connection, body)
            return
        connection.progress = time.monotonic()
        self._earn(connection, body.received)

    def _earn(self, connection: Connection, received: int) -> None:
        """More time for what has come of a body."""
        connection.deadline = connection.body_began + self.limits.body_allowed_s(received)
        if received - connection.credited >= self.limits.earning_bytes:
            connection.credited = received
            connection.earned_at = time.monotonic()

    def _length(self, connection: Connection, piece: bytes) -> int:
        """Bytes of the body, as announced or as come."""
        if isinstance(connection.framing, int):
            return connection.framing
        assert connection.body is not None  # noqa: S101 - the state says so
        return connection.body.received + len(piece)

    def _store(self, body: ReceivedBody, piece: bytes) -> None:
        """Keep a piece; where the budget is used up, bodies that stand still give way."""
        while True:
            try:
                body.take(piece)
                return
            except Unavailable as error:
                stalled = self.registry.stalled_upload()
                if stalled is None:
                    raise
                self._fail(stalled, error)

    def _fail(self, connection: Connection, error: AddonError) -> None:
        """The body will not be whole: the application tells the client."""
        assert connection.body is not None  # noqa: S101 - the state says so
        connection.body.fail(error)
        connection.unread = True
        self._call(connection, connection.body)

    def _await_body(self, connection: Connection) -> None:
        """The application wants it: from now on it may cost more than memory."""
        body = connection.body
        assert body is not None  # noqa: S101 - the state says so
        if connection.expects_continue:
            connection.outgoing.sendall(CONTINUE)
            connection.outgoing.flush()
        self.registry.await_client(connection, State.BODY)
        connection.credited = body.received
        self._earn(connection, body.received)
        self._listen_for(connection, selectors.EVENT_READ)
