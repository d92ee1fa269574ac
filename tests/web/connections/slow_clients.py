"""Clients in no hurry, of a gunicorn with few threads (the fixture `port`)."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator

THREADS = 4
HEADERS_S = 0.8
"""As `reading_app` has it."""
MOST = 60
"""Connections that `reading_app` takes."""


def post(port: int, path: str, body: bytes | Iterator[bytes]) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, body, encode_chunked=not isinstance(body, bytes))
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def connected(port: int, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 60, (source, 0))


def send(port: int, head: str, body: bytes = b"", source: str = "127.0.0.1") -> socket.socket:
    client = connected(port, source)
    client.sendall(f"POST {head}\r\nHost: a\r\n\r\n".encode() + body)
    return client


def answer(client: socket.socket) -> bytes:
    with client:
        return b"".join(iter(lambda: client.recv(65536), b""))
