"""Audio as an HTTP answer: whole, one range or several, exactly as RFC 9110 section 14 says.

The first block is verified before the status leaves. Whatever goes wrong after that must break the
connection: an answer that ends cleanly always is the whole of what its header promised.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from flask import Response, request

from addon.audio.sniffing import media_type
from addon.errors import NotPlayable, Tampered
from addon.playback.access_log import Access
from addon.playback.encoded import EncodedFormat, encoded
from addon.playback.playable import Playable
from addon.playback.ranges import Range, Unsatisfiable, wanted
from addon.playback.read_ahead import read_ahead
from addon.web import problems
from addon.web.context import context

READ_AHEAD_FROM = 4 * 1024 * 1024
"""Shorter ranges are sent before a thread would pay: a socket takes them almost at once."""

Heard = Callable[[list[Range]], None]
"""Told once, when the answer is over: which bytes were handed to the server."""

HEADERS = {
    "Accept-Ranges": "bytes",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""Recordings stay in no cache. Other origins may embed them: the link itself is the permission."""


@dataclass
class Delivery:
    """One answer's body on its way; knows how far it came."""

    playable: Playable
    ranges: list[Range]
    sent: list[Range] = field(default_factory=list)

    def blocks(self, number: int) -> Iterator[bytes]:
        """The bytes of one range. Raises Tampered where there are fewer than promised."""
        start, stop = self.ranges[number]
        at = start
        blocks = self.playable.read(start, stop)
        for block in read_ahead(blocks) if stop - start >= READ_AHEAD_FROM else blocks:
            at += len(block)
            self.sent[number:] = [Range(start, at)]
            yield block
        if at != stop:
            raise Tampered("the recording ended before its length")


def logged_answer(
    playable: Playable, access: Access, wanted_format: EncodedFormat | None, name: str
) -> Response:
    """The audio as an answer whose sent bytes are logged; a download is a file called `name`."""

    def heard(ranges: list[Range]) -> None:
        access_log.heard(access, ranges, playable.length)

    access_log = context().access_log
    if wanted_format is not None:
        file_name = f"{name}.{wanted_format}"
        return encoded_answer(playable, wanted_format, heard=heard, attachment=file_name)
    keeps = access.purpose == "download"
    return answer(playable, heard=heard, attachment=f"{name}.{playable.format}" if keeps else None)


def answer(playable: Playable, *, heard: Heard, attachment: str | None = None) -> Response:
    """200, 206, 304, 412 or 416. `attachment` is a file name for a download.

    Raises what opening the first block raises: Tampered, NotStored, StoreUnavailable.
    """
    conditional = _conditional(playable)
    if conditional is not None:
        return _dressed(conditional, playable, attachment)
    try:
        ranges = wanted(_range_header(playable), playable.length)
    except Unsatisfiable:
        return _unsatisfiable(playable)
    delivery = Delivery(playable, ranges or [Range(0, playable.length)])
    response = _body(delivery, partial=ranges is not None)
    response.call_on_close(lambda: heard(delivery.sent))
    return _dressed(response, playable, attachment)


def _unsatisfiable(playable: Playable) -> Response:
    response = problems.problem(416, "this recording has no such range")
    response.headers["Content-Range"] = f"bytes */{playable.length}"
    response.headers["Accept-Ranges"] = "bytes"
    return response


def encoded_answer(
    playable: Playable, wanted_format: EncodedFormat, *, heard: Heard, attachment: str
) -> Response:
    """200 with the whole sound in another format; its length is not known, so it has no ranges.

    Raises NotPlayable, also over HTTP/1.0, where a body without a length ends the same way whether
    it is whole or broke off (RFC 9112 6.3); and what opening the first block raises.
    """
    if request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        raise NotPlayable(
            "over HTTP/1.0 a converted file that broke off would look whole",
            remedy="Ask over HTTP/1.1; in nginx: proxy_http_version 1.1.",
        )
    delivery = Delivery(playable, [Range(0, playable.length)])
    response = Response(_begun(_counted(encoded(playable, wanted_format), delivery)))
    response.content_type = media_type(wanted_format)
    response.call_on_close(lambda: heard(delivery.sent))
    response.headers.update({**HEADERS, "Accept-Ranges": "none"})
    response.headers["Content-Disposition"] = f'attachment; filename="{attachment}"'
    return response


def _counted(blocks: Iterator[bytes], delivery: Delivery) -> Iterator[bytes]:
    """Of an encoded sound nobody can say which bytes were heard: from the first block on, all."""
    for block in blocks:
        delivery.sent[:] = delivery.ranges
        yield block


def _conditional(playable: Playable) -> Response | None:
    """304 or 412 where the request's conditions say so (RFC 9110 13.2.2)."""
    if request.if_match and playable.etag not in request.if_match:
        return Response(status=412)
    if request.if_none_match and request.if_none_match.contains_weak(playable.etag):
        return Response(status=304)
    return None


def _range_header(playable: Playable) -> str | None:
    """The Range that counts: only of a GET, and only where If-Range still holds (13.1.5)."""
    if request.method != "GET":
        return None
    condition = request.headers.get("If-Range")
    if condition is not None and condition.strip() != f'"{playable.etag}"':
        return None
    return request.headers.get("Range")


def _body(delivery: Delivery, *, partial: bool) -> Response:
    if len(delivery.ranges) > 1:
        return _multipart(delivery)
    (one,) = delivery.ranges
    response = Response(_begun(delivery.blocks(0)), status=206 if partial else 200)
    response.content_type = media_type(delivery.playable.format)
    response.content_length = one.length
    if partial:
        response.headers["Content-Range"] = one.content_range(delivery.playable.length)
    return response


def _multipart(delivery: Delivery) -> Response:
    """Several ranges in one answer (RFC 9110 14.6), its length known beforehand."""
    boundary = secrets.token_hex(16)
    heads = [_part_head(boundary, delivery.playable, one) for one in delivery.ranges]
    end = f"\r\n--{boundary}--\r\n".encode()

    def parts() -> Iterator[bytes]:
        for number, head in enumerate(heads):
            yield head
            yield from delivery.blocks(number)
        yield end

    response = Response(_begun(parts()), status=206)
    response.content_type = f"multipart/byteranges; boundary={boundary}"
    lengths = (len(head) + one.length for head, one in zip(heads, delivery.ranges, strict=True))
    response.content_length = sum(lengths) + len(end)
    return response


def _part_head(boundary: str, playable: Playable, one: Range) -> bytes:
    return (
        f"\r\n--{boundary}\r\nContent-Type: {media_type(playable.format)}\r\n"
        f"Content-Range: {one.content_range(playable.length)}\r\n\r\n"
    ).encode()


def _begun(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same blocks, the first one read already; nothing is read where no body is wanted."""
    if request.method == "HEAD":
        return iter(())
    return chain([next(blocks, b"")], blocks)


def _dressed(response: Response, playable: Playable, attachment: str | None) -> Response:
    response.headers.update(HEADERS)
    response.set_etag(playable.etag)
    if attachment is not None:
        response.headers["Content-Disposition"] = f'attachment; filename="{attachment}"'
    return response
