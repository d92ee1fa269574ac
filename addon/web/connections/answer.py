"""The answer to one request: the application is called in a thread and its answer sent piecemeal.

A thread leaves the answer where the client does not take it, and another goes on later.
"""

from __future__ import annotations

import contextvars
import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from gunicorn.http import wsgi  # type: ignore[import-untyped]

from addon.web.connections.body import BodyPending, PendingBody
from addon.web.connections.outgoing import TAKES_VIEWS, Outgoing
from addon.web.connections.response import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

TURN_BYTES = 1024 * 1024
"""Sent at a stretch to a client that reads fast; then it is the turn of others that wait."""


PATIENCE_S = 0.01
"""A client that reads fast empties the kernel's buffer within it: a thread that waits so long with
each block spares both a turn of the loop. Sixteen such threads still turn to 1,600 clients a second
that do not read."""


class Outcome(enum.Enum):
    """End of a turn."""

    BODY_WANTED = "the application reads a body that has not come"
    BLOCKED = "the client does not read"
    MORE = "others may go first"
    OVER = "all is sent, and the connection can be used again"
    CLOSE = "all is sent, and the connection ends"
    BROKEN = "the answer broke off"


@dataclass
class KeptHead:
    """A head with the value of its Range taken out, its request, and the place of that header.

    `environ` is the WSGI environ of its first request, as it was before the application had it.
    """

    head: bytes
    request: Any
    place: int
    environ: dict[str, Any] | None = None

    @property
    def range(self) -> str:
        """The Range of the request that is answered now."""
        return str(self.request.headers[self.place][1])


@dataclass(frozen=True)
class Incoming:
    """A request as gunicorn parsed it, with both addresses. `last` ends its connection.

    `kept` is the head that it shares with the connection's next requests.
    """

    request: Any
    client: Any
    server: Any
    last: bool = False
    kept: KeptHead | None = None


class Answer:
    """One call of the application. Each method runs in one thread at a time."""

    def __init__(
        self,
        app: WSGIApplication,
        cfg: Any,
        incoming: Incoming,
        body: BinaryIO,
        outgoing: Outgoing,
    ) -> None:
        self.started = False
        self._app = app
        self._cfg = cfg
        self._incoming = incoming
        self._body = body
        self._outgoing = outgoing
        self._context = contextvars.copy_context()
        self._response: Any = None
        self._whole: Any = None
        self._items: Iterator[bytes] = iter(())
        self._ended = False

    def advance(self) -> Outcome:
        """Go on as far as the client takes it. Raises what the application raises."""
        return self._context.run(self._advance)

    def abandon(self) -> None:
        """End an answer that nobody takes any more."""
        self._context.run(self._release)

    @property
    def without_body(self) -> bool:
        """True where the application is called before the body has come."""
        return isinstance(self._body, PendingBody)

    @property
    def headers_sent(self) -> bool:
        """True once the status has gone out."""
        return self._response is not None and self._response.headers_sent

    def _advance(self) -> Outcome:
        if not self.started and not self._start():
            return Outcome.BODY_WANTED
        outgoing = self._outgoing
        turn_ends = outgoing.sent + TURN_BYTES
        while not self._ended:
            if not outgoing.drained(PATIENCE_S):
                return Outcome.BLOCKED
            if outgoing.sent >= turn_ends:
                return Outcome.MORE
            item = next(self._items, None)
            if item is None:
                self._ended = True
                self._response.close()
                self._release()
            else:
                self._response.write(item)
        if not outgoing.drained(PATIENCE_S):
            return Outcome.BLOCKED
        return Outcome.CLOSE if self._response.should_close() else Outcome.OVER

    def _start(self) -> bool:
        """Call the application; False where it wants the body first."""
        self._response, environ = self._created()
        environ["wsgi.input"] = self._body
        if self._incoming.last:
            self._response.force_close()
        try:
            self._whole = self._app(environ, self._response.start_response)
        except BodyPending:
            return False
        if self.without_body:
            self._response.force_close()
        self._items = iter(self._whole)
        self.started = True
        return True

    def _created(self) -> tuple[Response, dict[str, Any]]:
        """Gunicorn's response and environ; of a kept head the environ is that of its first request.

        Putting one together costs a short range a tenth of its time.
        """
        incoming, kept = self._incoming, self._incoming.kept
        if kept is not None and kept.environ is not None:
            response = Response(incoming.request, self._outgoing, self._cfg)
            return response, {**kept.environ, "HTTP_RANGE": kept.range}
        response, environ = wsgi.create(
            incoming.request,
            self._outgoing,
            incoming.client,
            incoming.server,
            self._cfg,
            response_class=Response,
        )
        environ["wsgi.multithread"] = True
        environ[TAKES_VIEWS] = True
        # The library's sends a file with a blocking call; hints are sent past `Outgoing`'s answer.
        for name in ("wsgi.file_wrapper", "gunicorn.socket", "wsgi.early_hints"):
            environ.pop(name, None)
        if kept is not None:
            kept.environ = dict(environ)
        return response, environ

    def _release(self) -> None:
        close: Callable[[], None] | None = getattr(self._whole, "close", None)
        self._whole, self._items = None, iter(())
        if close is not None:
            close()
