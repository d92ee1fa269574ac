"""An answer goes on in any thread, and stops where the client does."""

from __future__ import annotations

import contextvars
import io
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.http import Request  # type: ignore[import-untyped]
from gunicorn.http.unreader import IterUnreader  # type: ignore[import-untyped]

from addon.web.connections.answer import TURN_BYTES, Answer, Incoming, Outcome
from addon.web.connections.body import PendingBody
from addon.web.connections.outgoing import TAKES_VIEWS, Outgoing

BLOCK = bytes(64 * 1024)
App = Callable[[dict[str, Any], Any], Any]
Answering = Callable[..., tuple[Answer, socket.socket]]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Makes an answer of an application, and the client that reads it."""
    cfg, sockets = Config(), []

    def make(app: App, body: Any = None) -> tuple[Answer, socket.socket]:
        ours, theirs = socket.socketpair()
        sockets.extend([ours, theirs])
        ours.setblocking(False)
        peer = ("192.0.2.1", 1)
        head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        request = Request(cfg, IterUnreader([head]), peer)
        incoming = Incoming(request, peer, ("192.0.2.2", 2))
        return Answer(app, cfg, incoming, body or io.BytesIO(), Outgoing(ours)), theirs

    yield make
    for each in sockets:
        each.close()


def blocks(count: int) -> App:
    def app(_environ: dict[str, Any], start: Any) -> Iterator[bytes]:
        start("200 OK", [("Content-Length", str(count * len(BLOCK)))])
        return iter([BLOCK] * count)

    return app


def in_a_thread(answer: Answer) -> Outcome:
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(answer.advance()))
    thread.start()
    thread.join(60)
    return outcomes[0]


def test_threads_take_turns_at_an_answer_whose_client_is_slow(answering: Answering) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    seen: list[str] = []

    def app(environ: dict[str, Any], start: Any) -> Iterator[bytes]:
        token = variable.set("ours")
        start("200 OK", [])
        for _ in range(40):
            seen.append(variable.get())
            yield BLOCK
        variable.reset(token)

    answer, client = answering(app)
    received = 0
    while (outcome := in_a_thread(answer)) is Outcome.BLOCKED:
        while answer._outgoing.waiting:
            received += len(client.recv(1 << 20))
            answer._outgoing.flush()
    assert outcome is Outcome.OVER
    assert seen == ["ours"] * 40
    assert received > 20 * len(BLOCK)


def test_others_have_their_turn_beside_a_client_that_reads_fast(answering: Answering) -> None:
    answer, client = answering(blocks(3 * TURN_BYTES // len(BLOCK)))
    reader = threading.Thread(target=lambda: [*iter(lambda: client.recv(1 << 20), b"")])
    reader.start()
    outcomes = set()
    while (outcome := answer.advance()) not in (Outcome.OVER, Outcome.CLOSE):
        outcomes.add(outcome)
        answer._outgoing.flush()
    assert Outcome.MORE in outcomes or Outcome.BLOCKED in outcomes
    client.shutdown(socket.SHUT_RDWR)
    reader.join(60)
    assert not reader.is_alive()


def test_a_block_may_lie_in_the_memory_of_the_last_one(answering: Answering) -> None:
    memory, count = memoryview(bytearray(len(BLOCK))), 40

    def app(environ: dict[str, Any], start: Any) -> Iterator[memoryview]:
        start("206 PARTIAL CONTENT", [("Content-Length", str(count * len(BLOCK)))])
        assert environ[TAKES_VIEWS]
        for number in range(count):
            memory[:] = bytes([number]) * len(BLOCK)
            yield memory

    answer, client = answering(app)
    received = bytearray()
    while answer.advance() is Outcome.BLOCKED:
        while answer._outgoing.waiting:
            received += client.recv(1 << 20)
            answer._outgoing.flush()
    received += client.recv(1 << 20, socket.MSG_WAITALL | socket.MSG_DONTWAIT)
    body = received.partition(b"\r\n\r\n")[2]
    assert body == b"".join(bytes([number]) * len(BLOCK) for number in range(count))


def test_an_application_that_reads_is_called_again_with_its_body(answering: Answering) -> None:
    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        environ["wsgi.input"].read(1)
        start("200 OK", [])
        return []

    answer, _ = answering(app, PendingBody())
    assert answer.advance() is Outcome.BODY_WANTED
    assert not answer.headers_sent


def test_an_answer_without_the_body_is_the_last_of_its_connection(answering: Answering) -> None:
    answer, client = answering(blocks(0), PendingBody())
    assert answer.advance() is Outcome.CLOSE
    assert b"Connection: close" in client.recv(4096)


def test_an_answer_that_nobody_takes_ends_its_application(answering: Answering) -> None:
    ended: list[bool] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([BLOCK] * 1000)

        def close(self) -> None:
            ended.append(True)

    def app(_environ: dict[str, Any], start: Any) -> Body:
        start("200 OK", [])
        return Body()

    answer, _ = answering(app)
    assert answer.advance() is Outcome.BLOCKED
    assert ended == []
    answer.abandon()
    answer.abandon()
    assert ended == [True]
