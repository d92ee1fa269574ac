"""Audio as an HTTP answer: whole, one range or several, exactly as RFC 9110 section 14 says.

The first block is verified before the status leaves. Whatever goes wrong after that must break the
connection: an answer that ends cleanly always is the whole of what its header promised.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, cast

from flask import Response, request
from werkzeug.http import parse_etags

from addon.archive.reader import ArchivedAudio
from addon.audio.sniffing import media_type
from addon.errors import NotPlayable, Tampered
from addon.playback.access_log import Access
from addon.playback.encoded import EncodedFormat, encoded
from addon.playback.playable import Playable
from addon.playback.ranges import Range, Unsatisfiable, wanted
from addon.playback.read_ahead import read_ahead
from addon.web import problems
from addon.web.connections.outgoing import TAKES_VIEWS
from addon.web.context import Context, context
from addon.web.direct_routes import PlainAnswer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

READ_AHEAD_FROM = 4 * 1024 * 1024
"""Shorter ranges are sent before a thread would pay: a socket takes them almost at once."""

Heard = Callable[[list[Range]], None]
"""Told once, when the answer is over: which bytes were handed to the server."""

Begin = Callable[[], None]
"""Called before the first byte of a body is handed over; what it raises is the answer."""


def _nothing() -> None:
    """For audio that is not of the archive."""


HEADERS = {
    "Accept-Ranges": "bytes",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""Recordings stay in no cache. Other origins may embed them: the link itself is the permission."""


@dataclass
class Body:
    """Body of one answer: its ranges, and the bytes of them that were handed to the server."""

    playable: Playable
    ranges: list[Range]
    heard: Heard
    takes_views: bool = False
    sent: list[Range] = field(default_factory=list)
    content: Iterable[bytes] = ()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.content)

    def close(self) -> None:
        """The answer is over, whether it was taken whole or not."""
        self.heard(self.sent)

    def blocks(self, number: int) -> Iterator[bytes]:
        """The bytes of one range. Raises Tampered where there are fewer than promised."""
        start, stop = self.ranges[number]
        at = start
        for block in self._read(start, stop):
            at += len(block)
            self.sent[number:] = [Range(start, at)]
            yield block
        if at != stop:
            raise Tampered("the recording ended before its length")

    def _read(self, start: int, stop: int) -> Iterator[bytes]:
        if stop - start >= READ_AHEAD_FROM:
            return read_ahead(self.playable.read(start, stop))
        if self.takes_views and isinstance(self.playable, ArchivedAudio):
            return cast("Iterator[bytes]", self.playable.views(start, stop))
        return self.playable.read(start, stop)

    def converted(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """The blocks of another format; from the first one on everything counts as sent."""
        for block in blocks:
            self.sent[:] = self.ranges
            yield block

    def multipart(self, boundary: str) -> tuple[int, Iterator[bytes]]:
        """Length and bytes of all ranges in one body (RFC 9110 14.6)."""
        kind, length = media_type(self.playable.format), self.playable.length
        heads = [
            (
                f"\r\n--{boundary}\r\nContent-Type: {kind}\r\n"
                f"Content-Range: {one.content_range(length)}\r\n\r\n"
            ).encode()
            for one in self.ranges
        ]
        end = f"\r\n--{boundary}--\r\n".encode()
        total = sum(map(len, heads)) + sum(one.length for one in self.ranges) + len(end)

        def parts() -> Iterator[bytes]:
            for number, head in enumerate(heads):
                yield head
                yield from self.blocks(number)
            yield end

        return total, parts()


def logged_answer(
    playable: Playable, access: Access, wanted_format: EncodedFormat | None, name: str
) -> Response:
    """`logged` as a view returns it."""
    return logged(context(), request.environ, playable, access, wanted_format, name).response()


def answer(playable: Playable, *, heard: Heard) -> Response:
    """`plain` as a view returns it."""
    return plain(request.environ, playable, heard=heard).response()


def logged(
    context: Context,
    environ: WSGIEnvironment,
    playable: Playable,
    access: Access,
    wanted_format: EncodedFormat | None,
    name: str,
) -> PlainAnswer:
    """The audio as an answer whose sent bytes are logged; a download is a file called `name`."""

    def heard(ranges: list[Range]) -> None:
        access_log.heard(access, ranges, playable.length, playable.seconds)

    def begin() -> None:
        access_log.begin(access)

    access_log = context.access_log
    if wanted_format is not None:
        file_name = f"{name}.{wanted_format}"
        return _encoded(environ, playable, wanted_format, heard, file_name, begin)
    keeps = access.purpose == "download"
    file_name = f"{name}.{playable.format}"
    attachment = file_name if keeps else None
    return plain(environ, playable, heard=heard, attachment=attachment, begin=begin)


def plain(
    environ: WSGIEnvironment,
    playable: Playable,
    *,
    heard: Heard,
    attachment: str | None = None,
    begin: Begin = _nothing,
) -> PlainAnswer:
    """200, 206, 304, 412 or 416. `attachment` is a file name for a download.

    Raises what opening the first block raises: Tampered, NotStored, StoreUnavailable.
    """
    headers = {**HEADERS, "ETag": f'"{playable.etag}"', **_attachment(attachment)}
    refused = _conditional(environ, playable)
    if refused is not None:
        return PlainAnswer(refused, headers)
    try:
        ranges = wanted(_range_header(environ, playable), playable.length)
    except Unsatisfiable:
        return _unsatisfiable(playable)
    takes_views = environ.get(TAKES_VIEWS, False)
    body = Body(playable, ranges or [Range(0, playable.length)], heard, takes_views)
    if len(body.ranges) > 1:
        boundary = secrets.token_hex(16)
        length, blocks = body.multipart(boundary)
        headers["Content-Type"] = f"multipart/byteranges; boundary={boundary}"
    else:
        length, blocks = body.ranges[0].length, body.blocks(0)
        headers["Content-Type"] = media_type(playable.format)
        if ranges:
            headers["Content-Range"] = ranges[0].content_range(playable.length)
    headers["Content-Length"] = str(length)
    return _begun(environ, body, blocks, begin, 206 if ranges else 200, headers)


def _encoded(
    environ: WSGIEnvironment,
    playable: Playable,
    wanted_format: EncodedFormat,
    heard: Heard,
    attachment: str,
    begin: Begin,
) -> PlainAnswer:
    """200 with everything in another format; its length is not known, so it has no ranges.

    Raises NotPlayable, also over HTTP/1.0, where a body without a length ends the same way whether
    it is whole or broke off (RFC 9112 6.3); and what opening the first block raises.
    """
    if environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        raise NotPlayable(
            "over HTTP/1.0 a converted file that broke off would look whole",
            remedy="Ask over HTTP/1.1; in nginx: proxy_http_version 1.1.",
        )
    body = Body(playable, [Range(0, playable.length)], heard)
    blocks = body.converted(encoded(playable, wanted_format))
    headers = {**HEADERS, "Accept-Ranges": "none", **_attachment(attachment)}
    headers["Content-Type"] = media_type(wanted_format)
    return _begun(environ, body, blocks, begin, 200, headers)


def _unsatisfiable(playable: Playable) -> PlainAnswer:
    problem = problems.problem(416, "this recording has no such range")
    problem.headers["Content-Range"] = f"bytes */{playable.length}"
    problem.headers["Accept-Ranges"] = "bytes"
    return PlainAnswer(416, dict(problem.headers), [problem.get_data()])


def _conditional(environ: WSGIEnvironment, playable: Playable) -> int | None:
    """304 or 412 where the request's conditions say so (RFC 9110 13.2.2)."""
    if_match, if_none_match = environ.get("HTTP_IF_MATCH"), environ.get("HTTP_IF_NONE_MATCH")
    if if_match and (tags := parse_etags(if_match)) and playable.etag not in tags:
        return 412
    if if_none_match and parse_etags(if_none_match).contains_weak(playable.etag):
        return 304
    return None


def _range_header(environ: WSGIEnvironment, playable: Playable) -> str | None:
    """The Range that counts: only of a GET, and only where If-Range still holds (13.1.5)."""
    if environ["REQUEST_METHOD"] != "GET":
        return None
    condition = environ.get("HTTP_IF_RANGE")
    if condition is not None and condition.strip() != f'"{playable.etag}"':
        return None
    return environ.get("HTTP_RANGE")


def _begun(
    environ: WSGIEnvironment,
    body: Body,
    blocks: Iterator[bytes],
    begin: Begin,
    status: int,
    headers: dict[str, str],
) -> PlainAnswer:
    """An answer whose first block was read already; nothing is read where no body is wanted.

    Raises what `begin` raises: then nothing is given out.
    """
    if environ["REQUEST_METHOD"] == "HEAD":
        return PlainAnswer(status, headers)
    first = next(blocks, b"")
    begin()
    body.content = chain([first], blocks)
    return PlainAnswer(status, headers, body)


def _attachment(name: str | None) -> dict[str, str]:
    return {} if name is None else {"Content-Disposition": f'attachment; filename="{name}"'}
