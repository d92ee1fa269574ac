"""A connection knows its peer, and can end at once."""

from __future__ import annotations

import socket

import pytest

from addon.web.connections.connection import Connection


def test_a_reset_leaves_nothing_in_the_kernel() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        sock, address = listener.accept()
        connection = Connection(sock, address, listener.getsockname())
        assert connection.peer == "127.0.0.1"
        connection.reset()
        with client, pytest.raises(ConnectionResetError):
            client.recv(1)
