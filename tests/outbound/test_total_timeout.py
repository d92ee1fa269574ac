from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from addon.errors import OutboundUnavailable
from addon.outbound.total_timeout import TotalTimeout


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        yield ours, theirs


def test_a_socket_is_shut_when_the_time_is_up(pair: tuple[socket.socket, socket.socket]) -> None:
    with TotalTimeout(0.01) as timeout:
        timeout.guard(pair[0])
        assert pair[0].recv(1) == b""  # waits for as long as the other side is silent
        with pytest.raises(OutboundUnavailable, match=r"h\.example took longer than 0\.01 s"):
            timeout.check("h.example")


def test_a_socket_that_comes_too_late_is_shut_at_once(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    first, other = socket.socketpair()
    with closing(first), closing(other), TotalTimeout(0.01) as timeout:
        timeout.guard(first)
        assert first.recv(1) == b""
        timeout.guard(pair[0])
        assert pair[0].recv(1) == b""


def test_in_time_nothing_is_shut(pair: tuple[socket.socket, socket.socket]) -> None:
    with TotalTimeout(60) as timeout:
        timeout.guard(pair[0])
        timeout.check("h.example")
    pair[1].send(b"a")
    assert pair[0].recv(1) == b"a"


def test_its_thread_ends_with_it() -> None:
    timeout = TotalTimeout(60)
    with timeout:
        timer = next(each for each in threading.enumerate() if each is timeout._timer)
    timer.join(5)
    assert not timer.is_alive()


def test_a_socket_that_is_closed_already_does_not_disturb_the_others(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    gone, other = socket.socketpair()
    gone.close()
    other.close()
    with TotalTimeout(0.01) as timeout:
        timeout.guard(gone)
        timeout.guard(pair[0])
        assert pair[0].recv(1) == b""
