"""The next request of a kept connection is read in the same thread, or left as it came."""

from __future__ import annotations

import http.client
import io
import socket
from collections.abc import Iterator

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]

from addon.web.connections.answer import Answer, Incoming
from addon.web.connections.connection import Connection
from addon.web.connections.heads import parsed
from addon.web.connections.next_request import NextRequests
from tests.web.connections.slow_clients import answer

HEAD = b"GET /next HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9\r\n\r\n"
PEER = ("192.0.2.1", 1)


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    """A connection, and its client."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield Connection(ours, PEER, ("192.0.2.2", 2)), theirs


def test_a_whole_head_without_a_body_is_the_next_request(pair):
    connection, client = pair
    client.sendall(HEAD)
    request = NextRequests(Config(), 2).read(connection)
    assert (request.method, request.path, connection.buffer) == ("GET", "/next", b"")
    assert ("RANGE", "bytes=0-9") in request.headers


@pytest.mark.parametrize(
    "sent",
    [
        HEAD[:-2],
        b"GET",
        HEAD + b"GET /another",
        HEAD + HEAD,
        b"no request\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
    ],
)
def test_anything_else_is_left_for_the_main_thread(pair, sent):
    connection, client = pair
    client.sendall(sent)
    assert NextRequests(Config(), 2).read(connection) is None
    assert connection.buffer == sent


def test_the_same_head_with_another_range_is_read_as_if_it_were_new(pair):
    connection, client = pair
    requests = NextRequests(Config(), 2)
    last = b"GET /next HTTP/1.1\r\nHost: a\r\nrange:bytes=5-\r\nX-A: b\r\n\r\n"
    heads = [
        HEAD,
        HEAD.replace(b"0-9", b"10-"),
        HEAD.replace(b"0-9", b"-77"),
        HEAD.replace(b"/next", b"/other"),
        HEAD.replace(b"0-9", b"0-9, 20-29"),
        HEAD.replace(b"0-9", b"1" * 20 + b"-"),
        HEAD.replace(b"Host: a", b"Host: b"),
        HEAD.replace(b"Range", b"X-Range: bytes=7-8\r\nRange"),
        HEAD.replace(b"Range", b"X-Range: bytes=7-8\r\nRange").replace(b"0-9", b"1-2"),
        HEAD,
        last,
        last.replace(b"5-", b"6-7"),
    ]
    for head in heads:
        client.sendall(head)
        request = requests.read(connection)
        anew = parsed(Config(), head, PEER)
        assert (request.path, request.headers) == (anew.path, anew.headers)
        assert request.should_close() == anew.should_close()
    for broken in (HEAD[:-2], HEAD + b"GET", HEAD.replace(b"Range", b"A: b\nRange")):
        client.sendall(broken)
        assert requests.read(connection) is None
        assert connection.buffer == broken
        connection.buffer.clear()


def test_a_head_is_parsed_once_for_all_its_ranges(pair, monkeypatch):
    connection, client = pair
    requests = NextRequests(Config(), 2)
    client.sendall(HEAD)
    first = requests.read(connection)
    monkeypatch.setattr(requests, "_bare", lambda *_: pytest.fail("it was parsed again"))
    client.sendall(HEAD.replace(b"0-9", b"300-399"))
    assert requests.read(connection) is first
    assert ("RANGE", "bytes=300-399") in first.headers


def test_the_environ_of_a_kept_head_is_the_one_of_a_new_request(pair):
    connection, client = pair
    requests, cfg = NextRequests(Config(), 2), Config()
    seen: list[dict[str, object]] = []

    def app(environ, start):
        seen.append(dict(environ))
        environ["of this request alone"] = True
        start("204 No Content", [])
        return []

    def environ_of(request, kept):
        incoming = Incoming(request, PEER, connection.server, kept=kept)
        Answer(app, cfg, incoming, io.BytesIO(), connection.outgoing).advance()
        environ = seen.pop()
        del environ["wsgi.input"], environ["wsgi.errors"]
        return environ

    for range_of in (b"0-9", b"10-", b"-77"):
        head = HEAD.replace(b"0-9", range_of)
        client.sendall(head)
        request = requests.read(connection)
        assert request is connection.kept_head.request
        environ = environ_of(request, connection.kept_head)
        assert environ["HTTP_RANGE"] == f"bytes={range_of.decode()}"
        assert environ == environ_of(parsed(Config(), head, PEER), None)


def test_a_client_that_is_silent_or_has_gone_has_none(pair):
    connection, client = pair
    assert NextRequests(Config(), 2).read(connection) is None
    client.close()
    assert NextRequests(Config(), 2).read(connection) is None
    assert connection.buffer == b""


def test_one_thread_alone_waits_for_nobody(pair):
    connection, client = pair
    client.sendall(HEAD)
    assert NextRequests(Config(), 1).read(connection) is None
    assert connection.sock.recv(1000) == HEAD


@pytest.mark.stack
def test_requests_on_one_connection_are_answered_however_they_come(port: int) -> None:
    ask = b"GET /number HTTP/1.1\r\nHost: a\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        for parts in ([ask], [ask[:10], ask[10:]], [ask[:-1], ask[-1:]], [ask]):
            for part in parts:
                client.sendall(part)
            response = http.client.HTTPResponse(client)
            response.begin()
            assert (response.status, response.read().isdigit()) == (200, True)
        posted = b"POST /exactly-five HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
        client.sendall(posted)
        client.sendall(b"12345")
        response = http.client.HTTPResponse(client)
        response.begin()
        assert response.read() == b"5"
        client.sendall(b"nonsense\r\n\r\n")
        assert b"400 Bad Request" in answer(client)
