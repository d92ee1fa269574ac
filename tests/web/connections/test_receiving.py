"""Whatever comes over a socket ends in an answer or a close, never in the end of the worker."""

from __future__ import annotations

import socket

import pytest

from tests.web.connections.slow_clients import answer, post

pytestmark = pytest.mark.stack

HEAD = b"POST /all HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n",
        b"\r\n\r\n\r\n\r\n",
        b"\x00" * 70_000,
        HEAD + b"Content-Length: 99999999999999999999\r\n\r\nx",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: y",
        HEAD + b"Expect: something\r\nContent-Length: 5\r\n\r\n12345",
        HEAD + b"X-Forwarded-For: \xff\xfe\r\nContent-Length: 0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET " + b"/" * 60_000 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"GET http://other.example/nothing HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET nothing HTTP/1.1\r\nHost: a\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT other.example:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /nothing HTTP/1.1\r\nHost: a\r\nX: one\r\n two\r\n\r\n",
        b"GET /nothing HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET /nothing HTTP/1.1\nHost: a\n\n",
        b"GET /nothing HTTP/1.1\r\nX: " + b"y" * 65_000 + b"\r\n\r\n",
        b"GET /nothing HTTP/1.1\r\n" + b"X: y\r\n" * 5_000 + b"\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n12345",
        HEAD + b"Content-Length: 5, 5\r\n\r\n12345",
        HEAD + b"Content-Length: +5\r\n\r\n12345",
        HEAD + b"Content-Length: \xb2\r\n\r\n12",
        HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nHost: b\r\nContent-Length: 9\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 16 + b"\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n",
        HEAD + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /nothing HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /nothing HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n"
        b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
    ],
)
def test_it_is_answered_or_closed_and_others_are_served(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        answered = answer(client)
    assert b"HTTP/1.1 500" not in answered
    assert post(port, "/exactly-five", b"12345") == (200, "5")
