"""What the client takes is sent, and the rest is kept."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from addon.web.connections.outgoing import Outgoing

LARGE = bytes(range(256)) * 40_000


def test_what_is_not_taken_waits_in_its_order() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        outgoing = Outgoing(ours)
        outgoing.sendall(LARGE)
        outgoing.sendall(b"the end")
        outgoing.flush()
        assert outgoing.waiting
        received = bytearray()
        while outgoing.waiting:
            received += theirs.recv(1 << 20)
            outgoing.flush()
        assert outgoing.sent == len(LARGE) + 7
        ours.close()
        while block := theirs.recv(1 << 20):
            received += block
        assert received == LARGE + b"the end"


def test_a_client_that_has_gone_is_an_error() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(OSError, match="pipe"):
        outgoing = Outgoing(ours)
        outgoing.sendall(b"x")
        outgoing.flush()


def test_headers_and_body_leave_by_one_call_in_their_order() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        outgoing = Outgoing(ours)
        for part in (b"head ", b"", b"body"):
            outgoing.sendall(part)
        outgoing.flush()
        assert theirs.recv(100) == b"head body"
        assert (outgoing.waiting, outgoing.sent) == (False, 9)


def test_a_client_that_reads_is_waited_for_and_one_that_does_not_is_left() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, ThreadPoolExecutor(1) as pool:
        ours.setblocking(False)
        outgoing = Outgoing(ours)
        outgoing.sendall(LARGE)
        assert not outgoing.drained(0.0)
        assert outgoing.waiting
        reading = pool.submit(lambda: theirs.recv(len(LARGE), socket.MSG_WAITALL))
        assert outgoing.drained(60.0)
        assert reading.result() == LARGE
        assert outgoing.drained(0.0)
