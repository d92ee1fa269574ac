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
    ],
)
def test_it_is_answered_or_closed_and_others_are_served(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        answered = answer(client)
    assert b"HTTP/1.1 500" not in answered
    assert post(port, "/exactly-five", b"12345") == (200, "5")
