"""Reads the next request of a kept connection in the thread that has just answered the last one.

A player that asks for one range after the other is spared the way through the main thread: three
changes of threads, and as many system calls as all the rest of a range.
"""

from __future__ import annotations

import re
import select
from collections import deque
from typing import Any

from gunicorn.http.body import ChunkedReader  # type: ignore[import-untyped]

from addon.web.connections.answer import KeptHead
from addon.web.connections.connection import Connection
from addon.web.connections.heads import parsed
from addon.web.connections.receiving import BLOCK_BYTES, END_OF_HEAD

WAIT_MS = 10
"""A client nearby asks again within it. Others are waited for in the main thread."""

_RANGE = re.compile(rb"\r\nrange: ?(bytes=[0-9]{0,19}-[0-9]{0,19})\r\n", re.IGNORECASE)


class NextRequests:
    """Waits for clients in at most half of `threads`, so that the others are always free."""

    def __init__(self, cfg: Any, threads: int) -> None:
        self._cfg = cfg
        self._room = deque(range(threads // 2))

    def read(self, connection: Connection) -> Any | None:
        """The next request, as gunicorn parsed it; None where none came that is whole by its head.

        What came of any other stays in the connection's buffer, for the main thread.
        """
        try:
            place = self._room.pop()  # a semaphore takes ten times as long
        except IndexError:
            return None
        try:
            poll = select.poll()
            poll.register(connection.sock, select.POLLIN)
            if not poll.poll(WAIT_MS):
                return None
        finally:
            self._room.append(place)
        try:
            data = connection.sock.recv(BLOCK_BYTES)
        except OSError:
            return None
        request = self._read(data, connection)
        if request is None:
            connection.buffer += data
        return request

    def _read(self, data: bytes, connection: Connection) -> Any | None:
        """The request in `data`. Parsing it is a fifth of what a range costs the interpreter, so a
        head that differs from one before by its Range alone is not parsed again.
        """
        found = _RANGE.search(data)
        if found is None:
            return self._bare(data, connection)
        head = data[: found.start(1)] + data[found.end(1) :]
        kept = connection.kept_head
        if kept is not None and kept.head == head:
            kept.request.headers[kept.place] = ("RANGE", found[1].decode())
            return kept.request
        request = self._bare(data, connection)
        names = [] if request is None else [name for name, _ in request.headers]
        if names.count("RANGE") == 1:
            connection.kept_head = KeptHead(head, request, names.index("RANGE"))
        return request

    def _bare(self, data: bytes, connection: Connection) -> Any | None:
        """The request in `data`, where that is a whole head and nothing else."""
        if data.find(END_OF_HEAD) + len(END_OF_HEAD) != len(data):
            return None
        try:
            request = parsed(self._cfg, data, connection.client)
        except Exception:  # whatever it is, the main thread meets and answers it
            return None
        reader = request.body.reader
        has_body = isinstance(reader, ChunkedReader) or reader.length
        return None if has_body or request._expected_100_continue else request
