"""Writes an answer's head and body: gunicorn's response, with a quick pass over usual headers.

Gunicorn looks at each header with three expressions and puts the date together anew for every
answer. Here names are remembered, and all values of an answer are looked at in one pass; where
something in them is not as it should be, gunicorn's own pass says what.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Sequence
from functools import lru_cache

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http import wsgi  # type: ignore[import-untyped]

REMEMBERED = 256
"""Names of headers that are remembered: the application's own are a few dozen."""


class Kind(enum.Enum):
    """Kinds of header, by their name."""

    USUAL = "goes out as it is"
    LENGTH = "Content-Length, which frames the body too"
    OTHER = "the server's to write, or no name at all"


class Response(wsgi.Response):  # type: ignore[misc] # gunicorn has no types
    """One answer. Its body is written as bytes, or as views of memory that stays until all before
    it is sent.
    """

    headers_sent: bool

    def process_headers(self, headers: Sequence[tuple[str, str]]) -> None:
        """Take the application's headers. Raises as gunicorn's own."""
        kinds = [kind_of(name) for name, _ in headers]
        values = "".join([value for _, value in headers])
        if Kind.OTHER in kinds or not wsgi.HEADER_VALUE_RE.fullmatch(values):
            super().process_headers(headers)
            return
        for kind, (name, value) in zip(kinds, headers, strict=True):
            if kind is Kind.LENGTH:
                self.response_length = int(value)
            self.headers.append((name, value.strip(" \t")))

    def send_headers(self) -> None:
        """Write the head, once."""
        if self.headers_sent:
            return
        major, minor = self.req.version
        lines = [
            f"HTTP/{major}.{minor} {self.status}",
            f"Server: {self.version}",
            f"Date: {_date(int(time.time()))}",
            f"Connection: {'close' if self.should_close() else 'keep-alive'}",
        ]
        if self.chunked:
            lines.append("Transfer-Encoding: chunked")
        lines += [f"{name}: {value}" for name, value in self.headers]
        self.sock.sendall("\r\n".join([*lines, "\r\n"]).encode("latin-1"))
        self.headers_sent = True

    def write(self, data: bytes | memoryview) -> None:
        """Write the next of the body, never more than its length."""
        if isinstance(data, memoryview) and not self._takes(len(data)):
            data = bytes(data)
        if isinstance(data, memoryview):
            self.send_headers()
            self.sent += len(data)
            self.sock.sendall(data)
        else:
            super().write(data)

    def _takes(self, count: int) -> bool:
        """True where so many bytes go out as they are."""
        length = self.response_length
        return length is not None and not self._omits_body and self.sent + count <= length


@lru_cache(REMEMBERED)
def kind_of(name: str) -> Kind:
    """The kind of a header's name. Raises TypeError for what is no text."""
    if not wsgi.TOKEN_RE.fullmatch(name):
        return Kind.OTHER
    if name.lower() == "content-length":
        return Kind.LENGTH
    return Kind.OTHER if util.is_hoppish(name) else Kind.USUAL


@lru_cache(2)
def _date(second: int) -> str:
    return str(util.http_date(second))
