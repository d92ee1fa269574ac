"""Slow, broken and honest clients against a real gunicorn with few threads and little patience."""

import http.client
import os
import select
import socket
from contextlib import ExitStack, suppress
from itertools import pairwise
from pathlib import Path

import pytest

from tests.web.connections.slow_clients import MOST, THREADS, answer, connected, post, send

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


def test_requests_that_are_grouped_wait_for_enough_others_as_long_as_the_application_says(
    port: int,
) -> None:
    assert post(port, "/gather?60", b"")[0] == 200
    head = "/all HTTP/1.1\r\nConnection: close\r\nContent-Length: 4"
    with ExitStack() as stack:
        clients = [stack.enter_context(send(port, head, b"four")) for _ in range(15)]
        # All others are answered meanwhile.
        assert post(port, "/lines", b"12345") == (200, "5")
        assert select.select(clients, [], [], 0.0)[0] == []
        assert post(port, "/all", b"123") == (200, "3")
        assert [answer(client)[-1:] for client in clients] == [b"4"] * 15
    assert post(port, "/gather?0", b"")[0] == 200
    assert post(port, "/all", b"12") == (200, "2")


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
    head = "/blocks HTTP/1.1\r\nContent-Length: 100000000"
    with ExitStack() as clients:
        drippers = [clients.enter_context(send(port, head, b"x")) for _ in range(THREADS)]
        for _ in range(3):
            assert post(port, "/exactly-five", b"12345") == (200, "5")
            for client in drippers:
                client.sendall(b"x")


def test_what_was_sent_already_earns_time(port: int) -> None:
    """A body of which most has come outlives one that began later and of which nothing comes."""
    head = "/blocks HTTP/1.1\r\nContent-Length: 600000"
    client, silent = send(port, head, bytes(550_000)), send(port, head, b"x")
    assert answer(silent).endswith(b"the body came too slowly")
    client.sendall(bytes(50_000))
    client.shutdown(socket.SHUT_WR)
    assert answer(client).endswith(b"\r\n\r\n600000")


@pytest.mark.parametrize("path", ["/all", "/blocks", "/lines"])
def test_a_body_that_ends_early_never_passes_for_a_whole_one(port: int, path: str) -> None:
    client = send(port, f"{path} HTTP/1.1\r\nContent-Length: 1000", b"only\nthis")
    client.shutdown(socket.SHUT_WR)
    assert answer(client).endswith(b"the body ended before it was whole")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"zz\r\nhello\r\n0\r\n\r\n", "the body cannot be read: a chunk has no size"),
        (b"5\r\nhelloXX0\r\n\r\n", "the body cannot be read: a chunk has no end"),
        (b"5\r\nhel", "the body ended before it was whole"),
    ],
)
def test_bad_framing_is_ours_to_answer_and_no_accident(port: int, body: bytes, told: str) -> None:
    client = send(port, "/all HTTP/1.1\r\nTransfer-Encoding: chunked", body)
    client.shutdown(socket.SHUT_WR)
    assert answer(client).endswith(told.encode())


def test_headers_that_do_not_end_do_not_keep_the_others_out(port: int) -> None:
    with ExitStack() as clients:
        drippers = [clients.enter_context(connected(port)) for _ in range(3 * THREADS)]
        for client in drippers:
            client.sendall(b"POST /blocks HTTP/1.1\r\nX-Endless: ")
        for _ in range(3):
            assert post(port, "/exactly-five", b"12345") == (200, "5")
            for client in drippers:
                client.send(b"x")


def test_the_deadline_for_headers_ends_with_them(port: int) -> None:
    """A body may take longer than headers may, and so may the pause before the next request."""
    client = send(port, "/exactly-five HTTP/1.1\r\nContent-Length: 5", b"1234")
    cut_for_its_head(port)
    client.sendall(b"5")
    assert client.recv(65536, socket.MSG_PEEK)
    cut_for_its_head(port)
    client.sendall(b"POST /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer(client).count(b"200 OK") == 2


def cut_for_its_head(port: int) -> None:
    """Wait until a connection that sends no head is closed."""
    with connected(port) as client:
        client.sendall(b"G")
        assert client.recv(1) == b""


@pytest.mark.parametrize("sent", [b"", b"G", b"POST /all HTTP/1.1\r\nX: "])
def test_a_connection_that_sends_no_whole_head_is_closed(port: int, sent: bytes) -> None:
    with connected(port) as client:
        client.sendall(sent)
        assert client.recv(100) == b""


def test_an_answer_that_is_not_read_is_cut(port: int) -> None:
    """More than any buffer takes; what was sent before is read, and the end never comes."""
    with stalled(port) as client:
        assert is_reset(client, 60_000)


def test_an_answer_that_moves_slowly_is_not_cut(port: int) -> None:
    """It outlives two that stand still, one after the other."""
    with stalled(port) as moving:
        for _ in range(2):
            with stalled(port) as still:
                while not is_reset(still, 20):
                    take(moving, 64 * 1024)
        assert not is_reset(moving, 0)


def stalled(port: int) -> socket.socket:
    """A client of an answer without end, with room for little of it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(60)
    client.connect(("127.0.0.1", port))
    client.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
    return client


def take(client: socket.socket, count: int) -> None:
    """Read so many bytes."""
    while count > 0:
        block = client.recv(count)
        assert block
        count -= len(block)


def is_reset(client: socket.socket, within_ms: int) -> bool:
    """True once the server has reset the connection, whatever is still to be read."""
    poll = select.poll()
    poll.register(client, 0)
    return bool(poll.poll(within_ms))


def test_a_thread_is_free_where_an_answer_is_not_read(port: int) -> None:
    with ExitStack() as clients:
        for _ in range(3 * THREADS):
            clients.enter_context(send(port, "/endless HTTP/1.1"))
        assert post(port, "/exactly-five", b"12345") == (200, "5")


def test_an_address_with_many_requests_has_one_turn_where_another_has_one(
    port: int, tmp_path: Path
) -> None:
    """All threads are held until the last of them has come; the stranger's were there first."""
    pipes = [tmp_path / str(each) for each in range(THREADS)]
    for pipe in pipes:
        os.mkfifo(pipe)
    number = "/number HTTP/1.1\r\nConnection: close"
    with ExitStack() as clients:
        held = [send(port, f"/hold?{pipe} HTTP/1.1\r\nConnection: close") for pipe in pipes]
        theirs = [send(port, number, source="127.0.0.9") for _ in range(5 * THREADS)]
        ours = send(port, number)
        for client in [*held, *theirs, ours]:
            clients.enter_context(client)
        # Refused without a thread. The third is read in a later turn of the loop than the second,
        # and that in a later one than the first: by then all that was sent before is read.
        for _ in range(3):
            assert answer(send(port, "/ HTTP/9.9")).startswith(b"HTTP/1.1 4")
        for pipe in pipes:
            pipe.write_bytes(b"")
        last = max(int(answer(client).rpartition(b"\r\n")[2]) for client in theirs)
        assert int(answer(ours).rpartition(b"\r\n")[2]) < last - 2 * THREADS


def test_an_application_that_answers_by_the_head_reads_no_body(port: int) -> None:
    client = send(port, "/nothing HTTP/1.1\r\nContent-Length: 1000000", b"x")
    assert b"Connection: close" in answer(client)


def test_for_a_body_that_follows_its_head_the_application_is_called_once(port: int) -> None:
    def number() -> int:
        client = send(port, "/number-then-all HTTP/1.1\r\nConnection: close\r\nContent-Length: 5")
        # By its answer the head before it has been read.
        assert answer(send(port, "/nothing HTTP/1.1\r\nConnection: close")).endswith(b"0")
        client.sendall(b"12345")
        return int(answer(client).rpartition(b"\r\n")[2])

    # Where a look at all connections came between head and body it is called twice.
    numbers = [number() for _ in range(10)]
    assert 1 in [later - earlier for earlier, later in pairwise(numbers)]


def test_the_refused_may_send_on_and_reads_the_answer(port: int) -> None:
    client = send(port, "/nothing HTTP/1.1\r\nContent-Length: 3000000", b"x")
    client.sendall(bytes(2_999_999))
    assert answer(client).startswith(b"HTTP/1.1 200 OK")


def test_the_refused_may_not_send_on_for_ever(port: int) -> None:
    head = "/nothing HTTP/1.1\r\nContent-Length: 300000000"
    with send(port, head, b"x") as client, pytest.raises(ConnectionError):
        for _ in range(256):
            client.sendall(bytes(1024 * 1024))


def test_a_client_that_waits_for_leave_is_told_to_send(port: int) -> None:
    client = send(port, "/all HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5")
    assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(b"12345")
    client.shutdown(socket.SHUT_WR)
    assert answer(client).endswith(b"\r\n\r\n5")


def test_who_is_refused_by_the_head_is_not_told_to_send(port: int) -> None:
    client = send(port, "/nothing HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5")
    assert answer(client).startswith(b"HTTP/1.1 200 OK")


def test_a_pipelined_request_has_to_be_sent_again(port: int) -> None:
    one = b"POST /exactly-five HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345"
    with connected(port) as client:
        client.sendall(one * 2)
        whole = answer(client)
    assert whole.count(b"200 OK") == 1
    assert b"Connection: close" in whole


def test_what_is_no_request_is_answered_and_closed(port: int) -> None:
    for sent in (b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"X" * 100_000):
        with connected(port) as client:
            client.sendall(sent)
            assert answer(client).startswith(b"HTTP/1.1 4")


def test_the_oldest_silent_connection_is_dropped_for_a_new_one(port: int) -> None:
    with ExitStack() as clients:
        silent = [clients.enter_context(connected(port)) for _ in range(2 * MOST)]
        # On a busy machine the deadline of its head may come first, and ends it without a reset.
        with suppress(ConnectionResetError):
            assert silent[0].recv(1) == b""
        assert post(port, "/exactly-five", b"12345") == (200, "5")
