"""Slow, broken and honest clients against a real gunicorn with few threads."""

import http.client
import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from addon.errors import UploadBroken
from tests.web.connections.slow_clients import MEBIBYTE, THREADS, answer, drip, post, send

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("path", ["/all", "/blocks", "/lines"])
@pytest.mark.parametrize("chunked", [False, True])
def test_an_honest_body_comes_whole(port: int, path: str, chunked: bool) -> None:
    body = b"a line\n" * 100_000
    sent = iter([body[:300_000], body[300_000:]]) if chunked else body
    if chunked:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Transfer-Encoding": "chunked"}
        connection.request("POST", path, sent, headers, encode_chunked=True)
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"700000")
        connection.close()
    else:
        assert post(port, path, body) == (200, "700000")


def test_two_requests_share_a_connection(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    sockets = set()
    for _ in range(2):
        connection.request("POST", "/exactly-five", b"12345")
        sockets.add(connection.sock)
        assert connection.getresponse().read() == b"5"
    connection.close()
    assert len(sockets) == 1


def test_silent_clients_are_cut_and_told(port: int) -> None:
    heads = ["Content-Length: 1000000", "Transfer-Encoding: chunked"]
    clients = [
        send(port, f"{path} HTTP/1.1\r\n{head}") for path in ("/all", "/lines") for head in heads
    ]
    for client in clients:
        status, _, rest = answer(client).partition(b"\r\n")
        assert status == b"HTTP/1.1 503 Service Unavailable"
        assert rest.endswith(b"the body came too slowly")


def test_dripping_clients_on_every_thread_do_not_keep_the_others_out(port: int) -> None:
    stop = threading.Event()
    with ExitStack() as clients:
        for _ in range(THREADS):
            client = clients.enter_context(
                send(port, "/blocks HTTP/1.1\r\nContent-Length: 100000000", b"x")
            )
            threading.Thread(target=drip, args=(client, stop), daemon=True).start()
        assert post(port, "/exactly-five", b"12345") == (200, "5")
        stop.set()


def test_what_was_sent_already_earns_time(port: int) -> None:
    """Three seconds are more than the base allowance, and at this rate less than the whole."""

    def steady() -> Iterator[bytes]:
        for _ in range(10):
            time.sleep(0.3)
            yield bytes(60_000)

    client = send(port, "/blocks HTTP/1.1\r\nContent-Length: 600000")
    for block in steady():
        client.sendall(block)
    client.shutdown(socket.SHUT_WR)
    assert answer(client).endswith(b"\r\n\r\n600000")


@pytest.mark.parametrize("path", ["/all", "/blocks", "/lines"])
def test_a_body_that_ends_early_never_passes_for_a_whole_one(port: int, path: str) -> None:
    client = send(port, f"{path} HTTP/1.1\r\nContent-Length: 1000", b"only\nthis")
    client.shutdown(socket.SHUT_WR)
    assert answer(client).endswith(b"the body ended before its Content-Length")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"zz\r\nhello\r\n0\r\n\r\n", "InvalidChunkSize"),
        (b"5\r\nhelloXX0\r\n\r\n", "ChunkMissingTerminator"),
        (b"5\r\nhel", "NoMoreData"),
    ],
)
def test_bad_framing_is_ours_to_answer_and_no_accident(port: int, body: bytes, name: str) -> None:
    client = send(port, "/all HTTP/1.1\r\nTransfer-Encoding: chunked", body)
    client.shutdown(socket.SHUT_WR)
    assert answer(client).endswith(f"the body cannot be read: {name}".encode())


def test_without_a_socket_the_body_is_left_alone() -> None:
    body = io.BytesIO(b"12345")
    environ = {"wsgi.input": body, "CONTENT_LENGTH": "5", "PATH_INFO": "/all"}
    seen: list[object] = []

    def app(environ: dict[str, Any], _start: object) -> list[bytes]:
        seen.append(environ["wsgi.input"])
        return []

    UploadDeadline(app)(environ, lambda *_: lambda _: None)
    assert seen == [body]


@pytest.mark.parametrize("size", [None, -1, 3_000_000])
def test_a_large_read_gives_all_of_it(size: int | None) -> None:
    left, right = socket.socketpair()
    with left, right:
        body = io.BytesIO(MEBIBYTE * 2)
        timed = TimedBody(body, len(MEBIBYTE) * 2, left, Allowance(), Watch())
        assert len(timed.read(size)) == len(MEBIBYTE) * 2
        assert timed.read(size) == b""
        assert timed.read(0) == timed.readline(0) == b""


def test_a_read_that_came_back_after_its_deadline_is_not_used() -> None:
    left, right = socket.socketpair()
    with left, right, left.makefile("rb") as body:
        timed = TimedBody(body, 1, left, Allowance(base_seconds=0.0), Watch())
        with pytest.raises(UploadBroken, match="too slowly"):
            timed.read(1)


def test_the_longest_wait_does_not_grow_with_what_was_sent() -> None:
    allowance = Allowance(base_seconds=1, bytes_per_second=10, longest_seconds=5)
    assert [allowance.seconds(received) for received in (0, 20, 10**9)] == [1, 3, 5]


def test_one_thread_watches_all_clients_and_ends_with_the_last() -> None:
    watch = Watch()
    pairs = [socket.socketpair() for _ in range(20)]
    far = time.monotonic() + 3600
    tickets, threads = [], set()
    for left, _ in pairs:
        tickets.append(watch.add(left, far))
        threads.add(watch._thread)
    (thread,) = threads
    cut = watch.add(pairs[0][0], time.monotonic())
    pairs[0][0].settimeout(60)
    assert pairs[0][0].recv(1) == b""
    assert watch.remove(cut)
    assert thread.is_alive()
    assert not any(watch.remove(ticket) for ticket in tickets)
    thread.join(60)
    assert not thread.is_alive()
    for left, right in pairs:
        left.close()
        right.close()


def test_a_watch_that_had_nobody_left_watches_the_next() -> None:
    watch = Watch()
    for _ in range(2):
        left, right = socket.socketpair()
        with left, right:
            left.settimeout(60)
            ticket = watch.add(left, time.monotonic())
            assert left.recv(1) == b""
            assert watch.remove(ticket)
        thread = watch._thread
        if thread is not None:
            thread.join(60)
