"""Gunicorn's threaded worker, with a deadline for a request's headers.

Gunicorn waits for ever for the rest of a header that has begun, and holds a thread for it: as many
such clients as there are threads would keep everybody else out. The deadline for the body is in
`upload_deadline.py`.
"""

from __future__ import annotations

import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from addon.web.upload_deadline import Watch

HEADERS_S = 10.0
"""Headers are a packet or two; this is the body's base allowance, a mobile line's worst stall."""


class DeadlineWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """Shuts the receiving half of a connection whose headers do not come in time.

    Gunicorn then sees the client gone and frees the thread. `handle` and `handle_request` are its
    own methods, around and after the parsing of headers; the tests notice a release that differs.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._watch = Watch()
        self._tickets: dict[Any, object] = {}

    def handle(self, conn: Any) -> Any:
        """One request of a connection, from its first byte on. Runs in a thread of its own."""
        self._tickets[conn] = self._watch.add(conn.sock, time.monotonic() + HEADERS_S)
        try:
            return super().handle(conn)
        finally:
            self._headers_done(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """The same request, its headers read."""
        self._headers_done(conn)
        return super().handle_request(req, conn)

    def _headers_done(self, conn: Any) -> None:
        ticket = self._tickets.pop(conn, None)
        if ticket is not None:
            self._watch.remove(ticket)
