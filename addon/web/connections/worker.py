"""A gunicorn worker in which one thread waits for all clients, and a few answer whole requests.

Gunicorn's own threaded worker gives a thread to every connection from accept on, and to every
slow body and slow reader for as long as it likes. Here a request gets a thread when its head and
body are there, and loses it when the client does not take the answer (decision 0409).
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO, cast

from gunicorn.http import Request  # type: ignore[import-untyped]
from gunicorn.http.body import ChunkedReader  # type: ignore[import-untyped]
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData  # type: ignore[import-untyped]
from gunicorn.http.unreader import IterUnreader  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from addon.errors import AddonError, Unavailable, UploadBroken, UploadTooLarge
from addon.settings import Settings
from addon.web.connections.addresses import client_of, network_of
from addon.web.connections.answer import Answer, Outcome
from addon.web.connections.body import MEMORY_BYTES, Budget, PendingBody, ReceivedBody
from addon.web.connections.chunked import ChunkedDecoder
from addon.web.connections.connection import Connection, State
from addon.web.connections.limits import Group, Limits, open_files_allowed

BLOCK_BYTES = 64 * 1024
TICK_S = 0.25
"""How late a client may be cut."""

END_OF_HEAD = b"\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
    b"Content-Length: 0\r\n\r\n"
)
NO_MORE_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class ConnectionWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """Accepts, reads, cuts and drops connections in its main thread.

    Its base gives the main loop, the threads, the way back from them (`method_queue`) and the
    stop; the tests notice a release of gunicorn in which these differ.
    """

    def limits_of_process(self) -> Limits:
        """The limits, by the settings."""
        return Limits.from_settings(Settings.load_or_exit())

    def init_process(self) -> None:
        """Runs after the fork; serves until the end."""
        self.limits = self.limits_of_process()
        self.everything = Group(open_files_allowed(self.limits.connections))
        self.by_address: dict[str, Group] = {}
        self.open: set[Connection] = set()
        self.budget = Budget(self.limits.unverified_bytes)
        self.next_look = 0.0
        self.accepts = 1
        # Its own limit stops accepting; ours makes room.
        self.worker_connections = sys.maxsize
        super().init_process()

    # --- The main loop: what gunicorn calls.

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """One turn of the loop."""
        events = self.poller.select(min(timeout, TICK_S))
        # Where many connections are busy, new ones must not come one at a time.
        self.accepts = 1 + len(events) // 4
        for key, _ in events:
            key.data(key.fileobj)

    def accept(self, listener: Any) -> None:
        """Take new connections; none of them gets a thread."""
        for _ in range(self.accepts):
            if self.everything.full and not self._drop_for_another(self.everything):
                self._stop_accepting()
                return
            try:
                sock, client = listener.accept()
            except OSError as error:
                if error.errno not in NO_MORE_FILES:
                    return
                if not self._drop_for_another(self.everything):
                    self._stop_accepting()
                    return
            else:
                self._begin(Connection(sock, client, listener.getsockname()))

    def _stop_accepting(self) -> None:
        """All connections are being worked on: new ones wait in the kernel until one is done."""
        self.worker_connections = 0
        self.set_accept_enabled(False)

    def murder_keepalived(self, force: bool = False) -> None:
        """Cut whoever is past the deadline, or everybody."""
        now = time.monotonic()
        if now < self.next_look and not force:
            return
        self.next_look = now + TICK_S
        for connection in list(self.open):
            if connection.state is not State.WORK and (force or connection.deadline <= now):
                self._cut(connection)

    def murder_pending(self) -> None:
        """Nothing: all are in `murder_keepalived`."""

    def _cap_keepalive(self, deadline: float) -> None:
        for connection in self.open:
            if connection.state is State.HEAD:
                connection.deadline = min(connection.deadline, deadline)

    # --- Which connections there are.

    def _begin(self, connection: Connection) -> None:
        limits = self.limits
        connection.sock.setblocking(False)
        if isinstance(connection.client, tuple):
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, limits.send_buffer)
        groups = [self.everything]
        if not limits.trusted_proxies:
            groups.append(self._group_of(connection.peer))
        for group in groups:
            if group.full and not self._drop_for_another(group):
                with contextlib.suppress(OSError):
                    connection.sock.send(TOO_MANY)
                connection.sock.close()
                return
        self.nr_conns += 1
        self.open.add(connection)
        for group in groups:
            self._join(connection, group)
        self._await_head(connection, limits.head_s, kept=False)
        # Most clients send at once: that spares a turn of the loop.
        self._ready(connection)

    def _group_of(self, address: str) -> Group:
        network = network_of(address)
        group = self.by_address.get(network)
        if group is None:
            group = self.by_address[network] = Group(self.limits.per_address, network)
        return group

    def _join(self, connection: Connection, group: Group) -> None:
        group.count += 1
        connection.groups.append(group)

    def _leave(self, connection: Connection, group: Group) -> None:
        group.forget(connection)
        group.count -= 1
        connection.groups.remove(group)
        if not group.count and group is not self.everything:
            self.by_address.pop(group.network, None)

    def _drop_for_another(self, group: Group) -> bool:
        """Make room; False where every connection is being worked on."""
        connection = group.droppable()
        if connection is None:
            return False
        self._close(connection, reset=True)
        return True

    def _enter(self, connection: Connection, state: State, allowed_s: float = 0.0) -> None:
        """Change the state, and with it the time that the client has."""
        connection.state = state
        connection.progress = connection.earned_at = time.monotonic()
        connection.deadline = connection.progress + allowed_s
        for group in connection.groups:
            group.forget(connection)

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
        with self._guarded(connection):
            if connection.state is State.SENDING:
                self._writable(connection)
            elif connection.state not in (State.WORK, State.CLOSED):
                self._readable(connection)

    @contextlib.contextmanager
    def _guarded(self, connection: Connection) -> Iterator[None]:
        """A defect of ours ends one connection, not the process with all of them."""
        try:
            yield
        except Exception:
            self.log.exception("a connection was closed by a defect")
            self._close(connection, reset=True)

    def _cut(self, connection: Connection) -> None:
        """Its time is over."""
        if connection.state is State.BODY:
            self._fail(connection, UploadBroken("the body came too slowly"))
        else:
            self._close(connection, reset=connection.state is not State.HEAD)

    def _close(self, connection: Connection, *, reset: bool = False) -> None:
        if connection.state is State.CLOSED:
            return
        self._listen_for(connection, 0)
        self._enter(connection, State.CLOSED)
        for group in list(connection.groups):
            self._leave(connection, group)
        self.open.discard(connection)
        self.nr_conns -= 1
        if reset:
            connection.reset()
        else:
            connection.sock.close()
        self._release(connection)
        if connection.answer is not None and connection.answer.started:
            # It may write to the store, as the record of what was heard.
            self.tpool.submit(self._abandon, connection.answer)
        connection.answer = None

    def _release(self, connection: Connection) -> None:
        if connection.body is not None:
            connection.body.release()
            connection.body = None

    # --- Reading a request.

    def _await_head(self, connection: Connection, allowed_s: float, *, kept: bool) -> None:
        self._enter(connection, State.HEAD, allowed_s)
        for group in connection.groups:
            (group.kept if kept else group.fresh)[connection] = None
        self._listen_for(connection, selectors.EVENT_READ)

    def _receive(self, connection: Connection) -> bytes | None:
        """What has come; empty at the end, and None where nothing has come yet."""
        try:
            return connection.sock.recv(BLOCK_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _readable(self, connection: Connection) -> None:
        if connection.state is State.BODY:
            self._read_body(connection)
            return
        data = self._receive(connection)
        if data is None:
            return
        if connection.state is State.LINGERING:
            # What came is dropped: whoever closes with bytes unread resets the connection, and the
            # answer is lost.
            if not data:
                self._close(connection)
        elif data:
            if connection in self.everything.kept:
                self._await_head(connection, self.limits.head_s, kept=False)
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
            connection.request = Request(self.cfg, IterUnreader([head]), connection.client)
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
        connection.body_began = time.monotonic()
        came, connection.buffer = bytes(connection.buffer), bytearray()
        self._enter(connection, State.BODY, self.limits.body_s)
        self._take(connection, came)
        while connection.state is State.BODY and connection.body.received < MEMORY_BYTES:
            if not self._read_body(connection):
                break
        if connection.state is State.BODY:
            # The application may refuse it unread, by its head: it must not cost more.
            self._call(connection, None)

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
        group = self._group_of(client_of(connection.peer, forwarded, proxies))
        if group in connection.groups:
            return True
        for other in connection.groups[1:]:
            self._leave(connection, other)
        if group.full and not self._drop_for_another(group):
            return False
        self.by_address[group.network] = group
        self._join(connection, group)
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
        allowed = self.limits.body_allowed_s(received)
        connection.deadline = connection.body_began + allowed
        connection.earned_at = connection.deadline - self.limits.body_s

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
                stalled = self._stalled()
                if stalled is None:
                    raise
                self._fail(stalled, error)

    def _stalled(self) -> Connection | None:
        """The body on disk that has stood still for longest."""
        since = time.monotonic() - self.limits.stalled_s
        found = [
            connection
            for connection in self.everything.slow
            if connection.state is State.BODY
            and connection.body is not None
            and connection.body.spooled
            and connection.progress <= since
        ]
        return min(found, key=lambda connection: connection.progress, default=None)

    def _fail(self, connection: Connection, error: AddonError) -> None:
        """The body will not be whole: the application tells the client."""
        assert connection.body is not None  # noqa: S101 - the state says so
        connection.body.fail(error)
        connection.unread = True
        self._call(connection, connection.body)

    # --- Answering it.

    def _call(self, connection: Connection, body: ReceivedBody | None) -> None:
        """Have a thread call the application; without a body, to see whether it wants one."""
        stream = cast(BinaryIO, PendingBody()) if body is None else body.stream()
        # A client that pipelines asks again on another connection (RFC 9112 9.3.2): nothing that we
        # know does, and a packet of requests would pass before all others.
        connection.unread |= bool(connection.buffer) and body is not None
        close = not self.alive or connection.unread
        connection.answer = Answer(self.wsgi, self.cfg, connection, stream, close=close)
        self._work(connection)

    def _work(self, connection: Connection) -> None:
        self._enter(connection, State.WORK)
        self._listen_for(connection, 0)
        self.tpool.submit(self._turn, connection)

    def _turn(self, connection: Connection) -> None:
        """One turn of an answer. Runs in a thread."""
        answer = connection.answer
        assert answer is not None  # noqa: S101 - the state says so
        try:
            outcome = answer.advance()
        except OSError:
            outcome = Outcome.BROKEN
        except BaseException as error:
            outcome = Outcome.BROKEN
            if answer.headers_sent:
                self.log.exception("an answer broke off")
            else:
                with contextlib.suppress(OSError):
                    self.handle_error(connection.request, connection.sock, connection.client, error)
                outcome = Outcome.CLOSE
        if outcome is Outcome.MORE:
            self.tpool.submit(self._turn, connection)
        else:
            self.method_queue.defer(self._after, connection, outcome)

    def _abandon(self, answer: Answer) -> None:
        try:
            answer.abandon()
        except Exception:
            self.log.exception("an answer that broke off was not ended cleanly")

    def _after(self, connection: Connection, outcome: Outcome) -> None:
        """Back in the main thread after a turn."""
        self.worker_connections = sys.maxsize
        with self._guarded(connection):
            self._go_on(connection, outcome)

    def _go_on(self, connection: Connection, outcome: Outcome) -> None:
        answer = connection.answer
        assert answer is not None  # noqa: S101 - the state says so
        if outcome is Outcome.BODY_WANTED:
            connection.answer = None
            self._await_body(connection)
            return
        if connection.body is not None:
            connection.unread |= answer.without_body
            self._release(connection)
        if outcome is Outcome.BLOCKED:
            self._await_reading(connection)
        elif outcome is Outcome.BROKEN:
            self._close(connection)
        else:
            connection.answer = None
            if outcome is Outcome.CLOSE:
                self._linger(connection)
            else:
                self._next(connection)

    def _await_body(self, connection: Connection) -> None:
        """The application wants it: from now on it may cost more than memory."""
        body = connection.body
        assert body is not None  # noqa: S101 - the state says so
        if connection.expects_continue:
            connection.outgoing.sendall(CONTINUE)
        self._enter(connection, State.BODY)
        self._earn(connection, body.received)
        self._listen_for(connection, selectors.EVENT_READ)
        for group in connection.groups:
            group.slow[connection] = None

    def _await_reading(self, connection: Connection) -> None:
        """The kernel's buffer is full: no thread waits for this client."""
        self._enter(connection, State.SENDING, connection.sending_left)
        self._listen_for(connection, selectors.EVENT_WRITE)
        self._credit(connection)
        for group in connection.groups:
            group.slow[connection] = None
        taking = [each for each in self.everything.slow if each.state is State.SENDING]
        if len(taking) > self.limits.answers:
            self._close(min(taking, key=lambda each: each.earned_at), reset=True)

    def _credit(self, connection: Connection) -> None:
        """Move the deadline on for a client that has taken enough since the last time."""
        taken = connection.outgoing.sent - connection.credited
        if connection.credited < 0 or taken >= self.limits.sending_bytes:
            connection.credited = connection.outgoing.sent
            connection.deadline = time.monotonic() + self.limits.sending_s
        connection.earned_at = connection.deadline - self.limits.sending_s

    def _writable(self, connection: Connection) -> None:
        try:
            connection.outgoing.flush()
        except OSError:
            self._close(connection)
            return
        self._credit(connection)
        if not connection.outgoing.waiting:
            # Our own time does not count.
            connection.sending_left = connection.deadline - time.monotonic()
            self._work(connection)

    def _next(self, connection: Connection) -> None:
        """Wait for the next request."""
        connection.credited = -1
        self._await_head(connection, self.limits.kept_s, kept=True)

    def _linger(self, connection: Connection) -> None:
        """Close, where bytes may be unread only after the client has had time for its answer."""
        if not connection.unread:
            self._close(connection)
            return
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_WR)
        self._release(connection)
        self._enter(connection, State.LINGERING, self.limits.lingering_s)
        self._listen_for(connection, selectors.EVENT_READ)
        for group in connection.groups:
            group.slow[connection] = None
