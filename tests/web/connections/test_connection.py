"""A connection sends what the client takes, and keeps the rest."""

from __future__ import annotations

import socket

import pytest

from addon.web.connections.connection import Connection, Outgoing

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


def test_a_reset_leaves_nothing_in_the_kernel() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        sock, address = listener.accept()
        connection = Connection(sock, address, listener.getsockname())
        assert connection.peer == "127.0.0.1"
        connection.reset()
        with client, pytest.raises(ConnectionResetError):
            client.recv(1)
