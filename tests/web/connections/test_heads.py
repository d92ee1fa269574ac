"""The quick pass over usual headers reads, and refuses, exactly what gunicorn's own pass does."""

from __future__ import annotations

import random
from typing import Any

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.http import Request  # type: ignore[import-untyped]
from gunicorn.http.unreader import IterUnreader  # type: ignore[import-untyped]

from addon.web.connections import heads

PEERS = (("192.0.2.7", 1), ("127.0.0.1", 1), "")
"""A stranger, a trusted proxy, and a local socket."""

HEADS = (
    b"POST /recording-analysis HTTP/1.1\r\nHost: a.example:80\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 5\r\nX-Twilio-Signature: abc=\r\nConnection: close\r\n\r\n",
    b"GET /media/x?y HTTP/1.1\r\nHost: a\r\nRange: bytes=0-5, 7-9\r\nX-Forwarded-Proto: https\r\n"
    b"X-Forwarded-For: 192.0.2.1, 10.0.0.1\r\nCookie: a=b; c=\r\n\r\n",
    b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
)

DAMAGES = (
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"_", b"\0", b"\x7f", b"\xff", b"-", b"(", b"0"),
    *(b"Host: b\r\n", b"X-Forwarded-Proto: http\r\n", b"X_Forwarded_For: 1\r\n", b"\r\n folded"),
    *(b"Expect: more\r\n", b"Content-Length: 6\r\n", b"Content-Type: a/b\r\n", b": x\r\n"),
    *(b"Transfer-Encoding: gzip\r\n", b"Content-Length: \xb2\r\n", b"SCRIPT_NAME: /x\r\n"),
)

CONFIG = Config()


def understood(kind: Any, head: bytes, peer: Any) -> Any:
    """Everything that a request is read as, or the error that it ends in."""
    try:
        request = kind(CONFIG, IterUnreader([head]), peer)
    except Exception as error:  # whatever it is, both have to raise it
        return type(error), str(error)
    reader = request.body.reader
    line = (request.method, request.uri, request.path, request.query, request.version)
    framing = (type(reader), getattr(reader, "length", None), request._expected_100_continue)
    return line, framing, request.headers, request.scheme, request.should_close()


def assert_same(head: bytes, peer: Any) -> None:
    ours, theirs = (understood(kind, head, peer) for kind in (heads._Request, Request))
    assert ours == theirs, head


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("head", HEADS)
def test_a_damaged_head_is_read_and_refused_as_by_gunicorn(head: bytes, peer: Any) -> None:
    assert_same(head, peer)
    chosen = random.Random(1)
    for _ in range(500):
        damaged = bytearray(head)
        for _ in range(chosen.choice((1, 1, 2))):
            at = chosen.randrange(len(damaged) - 3)
            cut = chosen.choice((0, 0, 1, 5))
            damaged[at : at + cut] = chosen.choice(DAMAGES)
        assert_same(bytes(damaged), peer)


@pytest.mark.parametrize("count", [99, 100, 101])
def test_as_many_headers_are_taken_as_by_gunicorn(count: int) -> None:
    assert_same(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * count + b"\r\n", PEERS[0])


@pytest.mark.parametrize("length", [8170, *range(8185, 8196), 20_000])
def test_a_header_may_be_as_long_as_by_gunicorn(length: int) -> None:
    assert_same(b"GET / HTTP/1.1\r\nA: " + b"b" * (length - 3) + b"\r\n\r\n", PEERS[0])


def test_the_usual_is_read_in_the_quick_pass() -> None:
    for head in HEADS[:3]:
        request = heads.parsed(CONFIG, head, PEERS[0])
        block = head.partition(b"\r\n")[2][:-4]
        assert request._usual_headers(block) == request.headers


def test_a_setting_is_looked_up_once() -> None:
    asked: list[str] = []

    class Slow:
        def __getattr__(self, name: str) -> int:
            asked.append(name)
            return 7

    cfg = heads.ServerConfig(Slow())
    assert (cfg.threads, cfg.threads) == (7, 7)
    assert asked == ["threads"]
