"""A gunicorn worker in which one thread waits for all clients, and a few answer whole requests.

Gunicorn's own threaded worker gives a thread to every connection from accept on, and to every
slow body and slow reader for as long as it likes. Here a request gets a thread when its head and
body are there, and loses it when the client does not take the answer (decision 0409).
"""

from __future__ import annotations

import contextlib
import errno
import io
import selectors
import socket
import sys
import time
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any, BinaryIO, cast

from addon import group_commit
from addon.errors import UploadBroken
from addon.settings import Settings
from addon.sparing_log import SparingFilter
from addon.web.connections.answer import Answer, Incoming, Outcome
from addon.web.connections.body import HELD_BYTES, SHORT_BYTES, Budget, PendingBody, ReceivedBody
from addon.web.connections.connection import Connection, State
from addon.web.connections.heads import ServerConfig
from addon.web.connections.limits import Limits, open_files_allowed
from addon.web.connections.next_request import NextRequests
from addon.web.connections.receiving import TOO_MANY, ReceivingWorker
from addon.web.connections.registry import Group, Registry
from addon.web.connections.turns import GROUPED, Grouped, GroupThreads, Task, WorkThreads

TICK_S = 0.25
"""How late a client may be cut."""

SWITCH_S = 0.001
"""How long a thread keeps the interpreter while others want it. The main thread gives it up at each
call to the kernel; at Python's usual 5 ms, a flood of requests has it wait that long each time."""

NO_MORE_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class ConnectionWorker(ReceivingWorker):
    """Accepts, reads, cuts and drops connections in its main thread; answers in others.

    Its base gives the main loop, the threads, the way back from them (`method_queue`) and the
    stop; the tests notice a release of gunicorn in which these differ.
    """

    def limits_of_process(self) -> Limits:
        """The limits, by the settings."""
        return Limits.from_settings(Settings.load_or_exit())

    def init_process(self) -> None:
        """Runs after the fork; serves until the end."""
        self.limits = self.limits_of_process()
        self.registry = Registry(self.limits, open_files_allowed(self.limits.connections))
        self.budget = Budget(self.limits.unverified_bytes, HELD_BYTES)
        self.server_config = ServerConfig(self.cfg)
        self.next_requests = NextRequests(self.server_config, self.cfg.threads)
        self.next_look = self.next_notice = 0.0
        self.accepts = 1
        self.addresses: dict[Any, Any] = {}
        self.committing = GroupThreads(
            self.cfg.threads, self._answer_together, lambda: self.grouped.gather_s()
        )
        # Its own limit stops accepting; ours makes room.
        self.worker_connections = sys.maxsize
        sys.setswitchinterval(SWITCH_S)
        # Gunicorn writes one for each head that is no request.
        self.log.error_log.addFilter(SparingFilter("Invalid request"))
        super().init_process()

    def handle_quit(self, sig: int, frame: Any) -> None:
        """SIGQUIT: the end at once."""
        self.committing.shutdown(wait=False)
        super().handle_quit(sig, frame)

    def get_thread_pool(self) -> WorkThreads:
        """The threads that call the application."""
        return WorkThreads(self.cfg.threads)

    def notify(self) -> None:
        """Tell the arbiter that this process is alive, which it looks for once a second at most."""
        if (now := time.monotonic()) >= self.next_notice:
            self.next_notice = now + TICK_S
            super().notify()

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
            if self.registry.everything.full and not self._drop_for_another(
                self.registry.everything
            ):
                self._stop_accepting()
                return
            try:
                sock, client = listener.accept()
            except OSError as error:
                if error.errno not in NO_MORE_FILES:
                    return
                if not self._drop_for_another(self.registry.everything):
                    self._stop_accepting()
                    return
            else:
                self._begin(Connection(sock, client, self._address_of(listener)))

    def _address_of(self, listener: Any) -> Any:
        """The address that a listener is bound to, which never changes."""
        address = self.addresses.get(listener)
        if address is None:
            address = self.addresses[listener] = listener.getsockname()
        return address

    def _stop_accepting(self) -> None:
        """All connections are being worked on: new ones wait in the kernel until one is done."""
        self.worker_connections = 0
        self.set_accept_enabled(False)

    def murder_keepalived(self, force: bool = False) -> None:
        """Cut whoever is past the deadline, or everybody; ask about bodies that did not come."""
        now = time.monotonic()
        if now < self.next_look and not force:
            return
        self.next_look = now + TICK_S
        self.committing.look()
        for connection in self.registry.open():
            if connection.state is State.WORK:
                continue
            if force or connection.deadline <= now:
                self._cut(connection)
            elif connection.state is State.BODY and not connection.asked:
                self._ask_by_head(connection)

    def murder_pending(self) -> None:
        """Nothing: all are in `murder_keepalived`."""

    def _cap_keepalive(self, deadline: float) -> None:
        for connection in self.registry.open():
            if connection.state is State.HEAD:
                connection.deadline = min(connection.deadline, deadline)

    def _begin(self, connection: Connection) -> None:
        limits = self.limits
        connection.sock.setblocking(False)
        if isinstance(connection.client, tuple):
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, limits.send_buffer)
        groups = self.registry.groups_for(connection)
        for group in groups:
            if group.full and not self._drop_for_another(group):
                with contextlib.suppress(OSError):
                    connection.sock.send(TOO_MANY)
                connection.sock.close()
                return
        self.nr_conns += 1
        self.registry.add(connection, groups)
        self.registry.await_head(connection, limits.head_s, kept=False)
        # Most clients send at once: that spares a turn of the loop, and being listened for.
        self._ready(connection)
        if connection.state is State.HEAD:
            self._listen_for(connection, selectors.EVENT_READ)

    def _drop_for_another(self, group: Group) -> bool:
        """Make room; False where every connection is being worked on."""
        connection = group.droppable()
        if connection is None:
            return False
        self._close(connection, reset=True)
        return True

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
        self.registry.enter(connection, State.CLOSED)
        network = self.registry.network_of(connection)
        self.registry.remove(connection)
        self.nr_conns -= 1
        if reset:
            connection.reset()
        else:
            connection.sock.close()
        self._release(connection)
        if connection.answer is not None and connection.answer.started:
            # It may write to the store, as the record of what was heard.
            self.tpool.submit(network, partial(self._abandon, connection.answer))
        connection.answer = None

    def _release(self, connection: Connection) -> None:
        if connection.body is not None:
            connection.body.release()
            connection.body = None

    def _call(self, connection: Connection, body: ReceivedBody | None) -> None:
        """Have a thread call the application; without a body, to see whether it wants one."""
        self._prepare(connection, None if body is None else body.stream())
        self._work(connection, together=body is not None and self._is_grouped(connection, body))

    def _is_grouped(self, connection: Connection, body: ReceivedBody) -> bool:
        """True where a request may share its durable steps with others.

        Its body is whole and in memory: nothing of it has to be waited for.
        """
        request = connection.request
        is_short = body.received <= SHORT_BYTES and not body.spooled
        return is_short and request.method == "POST" and request.path in self.grouped.paths

    @cached_property
    def grouped(self) -> Grouped:
        """The `Grouped` of the application, which is loaded after this worker began."""
        grouped: Grouped = getattr(self.wsgi, "extensions", {}).get(GROUPED, Grouped())
        return grouped

    def _prepare(self, connection: Connection, body: BinaryIO | None) -> None:
        # A client that pipelines asks again on another connection (RFC 9112 9.3.2): nothing that we
        # know does, and a packet of requests would pass before all others.
        connection.unread |= bool(connection.buffer) and body is not None
        kept = connection.kept_head
        incoming = Incoming(
            connection.request,
            connection.client,
            connection.server,
            last=not self.alive or connection.unread,
            kept=kept if kept is not None and kept.request is connection.request else None,
        )
        connection.answer = Answer(
            self.wsgi,
            self.server_config,
            incoming,
            cast(BinaryIO, PendingBody()) if body is None else body,
            connection.outgoing,
        )
        connection.credited = -1

    def _work(self, connection: Connection, *, together: bool = False) -> None:
        self.registry.enter(connection, State.WORK)
        self._listen_for(connection, 0)
        network = self.registry.network_of(connection)
        if together:
            self.committing.submit(network, partial(self._turn_together, connection))
        else:
            self.tpool.submit(network, partial(self._turn, connection, network))

    def _answer_together(self, tasks: Sequence[Task]) -> None:
        """The turns of some answers. Runs in a thread, and wakes the main one once for all."""
        self.method_queue.defer(self._after_all, group_commit.run(tasks))

    def _turn_together(self, connection: Connection) -> tuple[Connection, Outcome]:
        return connection, self._advanced(connection)

    def _after_all(self, turns: list[tuple[Connection, Outcome]]) -> None:
        """Back in the main thread after turns that were answered together."""
        for connection, outcome in turns:
            if outcome is Outcome.MORE:
                self._work(connection)
            else:
                self._after(connection, outcome)

    def _turn(self, connection: Connection, network: str) -> None:
        """One turn of an answer, and the client's next ones. Runs in a thread."""
        outcome = self._advanced(connection)
        while outcome is Outcome.OVER and self._has_next(connection):
            outcome = self._advanced(connection)
        if outcome is Outcome.MORE:
            self.tpool.submit(network, partial(self._turn, connection, network))
        else:
            self.method_queue.defer(self._after, connection, outcome)

    def _has_next(self, connection: Connection) -> bool:
        """True where the next request is there and may be answered in this thread.

        Not where others wait for one, nor behind a proxy, whose next request may be another
        client's.
        """
        waited_for = self.limits.trusted_proxies or self.tpool.turns.waiting or not self.alive
        if waited_for or connection.unread or connection.body is not None:
            return False
        request = self.next_requests.read(connection)
        if request is not None:
            connection.request = request
            self._prepare(connection, io.BytesIO())
        return request is not None

    def _advanced(self, connection: Connection) -> Outcome:
        answer = connection.answer
        assert answer is not None  # noqa: S101 - the state says so
        try:
            return answer.advance()
        except OSError:
            return Outcome.BROKEN
        except BaseException as error:
            if answer.headers_sent:
                self.log.exception("an answer broke off")
                return Outcome.BROKEN
            with contextlib.suppress(OSError):
                self.handle_error(connection.request, connection.sock, connection.client, error)
            return Outcome.CLOSE

    def _abandon(self, answer: Answer) -> None:
        try:
            answer.abandon()
        except Exception:
            self.log.exception("an answer that broke off was not ended cleanly")

    def _after(self, connection: Connection, outcome: Outcome) -> None:
        """Back in the main thread after a turn."""
        self.worker_connections = sys.maxsize
        try:
            self._go_on(connection, outcome)
        except Exception:
            self._end_by_defect(connection)

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

    def _await_reading(self, connection: Connection) -> None:
        """The kernel's buffer is full: no thread waits for this client."""
        self.registry.await_client(connection, State.SENDING, connection.sending_left)
        self._credit(connection)
        self._listen_for(connection, selectors.EVENT_WRITE)
        if stalled := self.registry.answer_too_many():
            self._close(stalled, reset=True)

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
        """Wait for the next request, which may be another client's where a proxy is in front."""
        if self.limits.trusted_proxies:
            self.registry.leave_address(connection)
        self.registry.await_head(connection, self.limits.kept_s, kept=True)
        self._listen_for(connection, selectors.EVENT_READ)
        if connection.buffer:
            self.registry.await_head(connection, self.limits.head_s, kept=False)
            self._look_for_head(connection)

    def _linger(self, connection: Connection) -> None:
        """Close, where bytes may be unread only after the client has had time for its answer."""
        if not connection.unread:
            self._close(connection)
            return
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_WR)
        self._release(connection)
        self.registry.await_client(connection, State.LINGERING, self.limits.lingering_s)
        self._listen_for(connection, selectors.EVENT_READ)
