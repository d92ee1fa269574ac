"""What the client takes is sent, and the rest is kept."""

from __future__ import annotations

import socket

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
        Outgoing(ours).sendall(b"x")
