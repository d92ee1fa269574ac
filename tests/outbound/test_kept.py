"""Connections that are kept open: used again only where a new one could be made, not for long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from addon.errors import OriginRefused, OutboundUnavailable
from addon.outbound import KeptConnections, Origins, Outbound, Timeouts, kept
from tests.outbound.authority import contexts
from tests.outbound.keeping import keeping
from tests.outbound.loopback import Answer, Loopback, Request

BRISK = Timeouts(connect=2, read=2, total=5)


@pytest.fixture
def connections() -> Iterator[KeptConnections]:
    with keeping(KeptConnections()) as made:
        yield made


def to(connections: KeptConnections, *origins: str, **options: object) -> Outbound:
    return Outbound(Origins(origins), timeouts=BRISK, kept=connections, **options)  # type: ignore[arg-type]


def post(outbound: Outbound, url: str) -> int:
    with outbound.open("POST", url, body=b"result") as response:
        return response.status


@pytest.fixture
def serving(host: Loopback) -> list[threading.Thread]:
    """The thread of each request: that server has one for each connection."""
    threads: list[threading.Thread] = []

    def note(_request: Request) -> Answer:
        threads.append(threading.current_thread())
        return Answer(200, b"taken")

    host.otherwise = note
    return threads


def test_requests_that_follow_each_other_share_a_connection(host, connections, serving):
    outbound = to(connections, host.origin)
    assert [post(outbound, host.url(f"/{number}?a=%2f")) for number in range(3)] == [200] * 3
    assert [request.path for request in host.requests] == [f"/{each}?a=%2f" for each in range(3)]
    assert {request.body for request in host.requests} == {b"result"}
    assert len(set(serving)) == 1


def test_over_tls_as_well(tmp_path: Path, connections):
    server_tls, client_tls = contexts(tmp_path, "media.example.test")
    with Loopback(server_tls).running() as host:
        host.on("/x", Answer(204))
        name = f"https://media.example.test:{host.port}"
        outbound = to(connections, name, resolver=lambda *_: ["127.0.0.1"], tls=client_tls)
        for _ in range(3):
            assert post(outbound, f"{name}/x") == 204
        assert len(host.server_names) == 1


def test_those_at_once_do_not(host, connections, serving):
    outbound = to(connections, host.origin)
    with outbound.open("GET", host.url("/a")) as first:
        assert post(outbound, host.url("/b")) == 200
        assert first.read(10) == b"taken"
    assert len(set(serving)) == 2


def test_each_request_is_checked_as_if_there_were_no_connection(host, connections):
    """The name has another address by now, or is not allowed any more."""
    host.on("/x", Answer(200))
    origin, addresses = f"http://callback.example:{host.port}", ["127.0.0.1"]
    outbound = to(connections, origin, resolver=lambda *_: addresses)
    assert post(outbound, f"{origin}/x") == 200
    addresses[0] = "192.0.2.1"
    with pytest.raises(OutboundUnavailable):
        post(to(connections, origin, resolver=lambda *_: []), f"{origin}/x")
    with pytest.raises(OriginRefused):
        post(to(connections, "http://other.example", resolver=lambda *_: addresses), f"{origin}/x")
    assert len(host.requests) == 1


def test_another_origin_at_the_same_address_has_a_connection_of_its_own(host, connections, serving):
    names = [f"http://{name}.example:{host.port}" for name in ("a", "b")]
    outbound = to(connections, *names, resolver=lambda *_: ["127.0.0.1"])
    assert [post(outbound, f"{name}/x") for name in names] == [200, 200]
    assert len(set(serving)) == 2
    assert [request.headers["host"] for request in host.requests] == [
        name.removeprefix("http://") for name in names
    ]


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 99999\r\n\r\nbegun",
        b"Content-Length: 5\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n",
        b"Connection: close\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=["long", "not there yet", "in chunks", "to be closed"],
)
def test_a_connection_with_something_left_on_it_is_not_used_again(host, connections, head):
    over = threading.Event()

    def answer() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n" + head
        over.wait(10)

    host.on("/x", Answer(raw=answer))
    host.on("/y", Answer(200))
    outbound = to(connections, host.origin)
    assert post(outbound, host.url("/x")) == 200
    assert connections._idle == []
    over.set()
    assert post(outbound, host.url("/y")) == 200


def test_a_failed_request_ends_its_connection(host, connections):
    host.on("/x", Answer(200))

    def fail() -> None:
        with to(connections, host.origin).open("POST", host.url("/x"), body=b"") as response:
            raise ValueError(response.status)

    with pytest.raises(ValueError, match="200"):
        fail()
    assert connections._idle == []


def test_what_the_host_has_closed_meanwhile_is_made_anew_and_nothing_is_sent_twice(
    host, connections, serving
):
    outbound = to(connections, host.origin)
    assert post(outbound, host.url("/x")) == 200
    (only,) = connections._idle
    only.adapter._exchange.connection.sock.shutdown(2)
    assert post(outbound, host.url("/x")) == 200
    assert len(host.requests) == len(set(serving)) == 2


def test_a_kept_connection_that_breaks_is_an_error_and_the_request_is_not_repeated(
    host, connections
):
    """The host may have read it: only who sends results knows whether to send one again."""
    host.on("/x", Answer(200), Answer(raw=lambda: iter([])))
    outbound = to(connections, host.origin)
    assert post(outbound, host.url("/x")) == 200
    with pytest.raises(OutboundUnavailable):
        post(outbound, host.url("/x"))
    assert len(host.requests) == 2


def test_the_total_time_counts_on_a_kept_connection(host, connections):
    over = threading.Event()

    def drip() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nX-Slow: "
        while not over.wait(0.02):
            yield b"a"

    host.on("/x", Answer(200), Answer(raw=drip))
    outbound = to(connections, host.origin)
    assert post(outbound, host.url("/x")) == 200
    short = Timeouts(connect=2, read=2, total=0.2)
    with (
        pytest.raises(OutboundUnavailable, match="took longer"),
        outbound.open("POST", host.url("/x"), body=b"", timeouts=short) as response,
    ):
        response.read(10)
    over.set()


def test_few_are_kept_and_none_for_long(host, connections, monkeypatch):
    host.on("/x", Answer(200))
    outbound = to(connections, host.origin)

    def nested(number: int) -> None:
        with outbound.open("POST", host.url("/x"), body=b""):
            if number:
                nested(number - 1)

    nested(kept.MOST_TO_ONE + 2)
    assert len(connections._idle) == kept.MOST_TO_ONE
    monkeypatch.setattr(kept, "IDLE_S", 0.0)
    assert post(outbound, host.url("/x")) == 200
    assert len(host.requests) == kept.MOST_TO_ONE + 4
    timer = connections._timer
    assert timer is not None
    timer.cancel()
    connections._close_old()
    assert connections._idle == []
    timer.join()
