"""An answer's head and framing are those that gunicorn would write."""

from __future__ import annotations

import re
from typing import Any

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.http import Request, wsgi  # type: ignore[import-untyped]
from gunicorn.http.unreader import IterUnreader  # type: ignore[import-untyped]

from addon.web.connections.response import Kind, Response, kind_of

Headers = list[tuple[Any, Any]]

WITH_LENGTH: Headers = [("Content-Length", "4"), ("ETag", '"x"'), ("Set-Cookie", "a=b; Path=/")]


class Socket:
    """Takes everything."""

    def __init__(self) -> None:
        self.sent = b""

    def sendall(self, data: bytes | memoryview) -> None:
        self.sent += data


def written(
    kind: type,
    headers: Headers,
    body: list[Any],
    status: str = "200 OK",
    head: str = "GET / HTTP/1.1",
) -> bytes:
    """All that goes out, with the same date; or the error's name."""
    cfg, sock = Config(), Socket()
    request = Request(cfg, IterUnreader([f"{head}\r\nHost: a\r\n\r\n".encode()]), ("192.0.2.1", 1))
    response = kind(request, sock, cfg)
    try:
        response.start_response(status, headers)
        for block in body:
            response.write(block)
        response.close()
    except Exception as error:
        return type(error).__name__.encode()
    return re.sub(rb"Date: [^\r]+", b"Date: now", sock.sent)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        WITH_LENGTH,
        [*WITH_LENGTH, ("Connection", "close"), ("Server", "x"), ("Date", "y"), ("Upgrade", "h2c")],
        [("X-Spaces", " \t a \t"), ("X-Latin", "gr\u00fcn"), ("content-length", "4")],
        [("X-A", "b\r\nSet-Cookie: c")],
        [("X-A", "b\n")],
        [("X-A: b", "c")],
        [("X A", "b")],
        [("", "b")],
        [("X-A", "\u20ac")],
        [("X-A", b"bytes")],
        [(b"X-A", "bytes")],
        [("X-A", 7)],
        [("Content-Length", "four")],
    ],
)
def test_headers_are_written_and_refused_as_by_gunicorn(headers: Headers) -> None:
    assert written(Response, headers, [b"body"]) == written(wsgi.Response, headers, [b"body"])


@pytest.mark.parametrize(
    ("status", "head"),
    [
        ("200 OK", "HEAD / HTTP/1.1"),
        ("204 NO CONTENT", "GET / HTTP/1.1"),
        ("304 NOT MODIFIED", "GET / HTTP/1.1"),
        ("200 OK", "GET / HTTP/1.0"),
    ],
)
@pytest.mark.parametrize("headers", [[], WITH_LENGTH])
def test_a_body_is_framed_as_by_gunicorn(status: str, head: str, headers: Headers) -> None:
    ours = written(Response, headers, [b"bo", b"dy, and more"], status, head)
    assert ours == written(wsgi.Response, headers, [b"bo", b"dy, and more"], status, head)


@pytest.mark.parametrize("head", ["GET / HTTP/1.1", "HEAD / HTTP/1.1", "GET / HTTP/1.0"])
@pytest.mark.parametrize("headers", [[], WITH_LENGTH])
def test_views_are_written_as_bytes_are(head: str, headers: Headers) -> None:
    body = [b"bo", b"dy, and more"]
    views = written(Response, headers, [memoryview(block) for block in body], head=head)
    assert views == written(Response, headers, body, head=head)


def test_a_name_says_what_is_done_with_a_header() -> None:
    kinds = [kind_of(name) for name in ("ETag", "Content-Length", "Keep-Alive", "no name")]
    assert kinds == [Kind.USUAL, Kind.LENGTH, Kind.OTHER, Kind.OTHER]
