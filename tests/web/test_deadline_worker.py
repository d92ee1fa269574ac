"""Headers that do not come in time free their thread."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack

import pytest

from tests.web.slow_clients import HEADERS_S, THREADS, answer, drip, post, send

pytestmark = pytest.mark.stack


def test_headers_that_do_not_end_do_not_keep_the_others_out(port: int) -> None:
    stop = threading.Event()
    with ExitStack() as clients:
        for _ in range(3 * THREADS):
            client = socket.create_connection(("127.0.0.1", port), timeout=30)
            clients.enter_context(client).sendall(b"POST /blocks HTTP/1.1\r\nX-Endless: ")
            threading.Thread(target=drip, args=(client, stop), daemon=True).start()
        assert post(port, "/exactly-five", b"12345") == (200, "5")
        stop.set()


def test_the_deadline_for_headers_ends_with_them(port: int) -> None:
    """A body may take longer than headers may, and so may the pause before the next request."""
    client = send(port, "/exactly-five HTTP/1.1\r\nContent-Length: 5")
    for byte in b"12345":
        time.sleep(HEADERS_S / 4)
        client.sendall(bytes([byte]))
    time.sleep(1.25 * HEADERS_S)
    client.sendall(b"POST /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer(client).count(b"200 OK") == 2
