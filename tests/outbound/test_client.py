from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from addon.errors import OutboundRefused, OutboundUnavailable, SourceGone, SourceRefused
from addon.outbound import Credentials, Origins, Outbound, Timeouts, errors_as
from tests.outbound.authority import contexts
from tests.outbound.loopback import Answer, Loopback

US = Credentials("AC1", "hunter2")
BRISK = Timeouts(connect=2, read=2, total=5)


def to(*servers: Loopback, timeouts: Timeouts = BRISK) -> Outbound:
    return Outbound(Origins([server.origin for server in servers]), timeouts=timeouts)


def get(outbound: Outbound, url: str, **options: object) -> tuple[int, bytes]:
    with outbound.open("GET", url, **options) as response:  # type: ignore[arg-type]
        return response.status, response.read(1 << 20)


def redirect(url: str, status: int = 302) -> Answer:
    return Answer(status, b"moved", {"Location": url})


def test_a_get_arrives_as_written_and_its_answer_comes_back(host: Loopback) -> None:
    host.on("/a%2fb", Answer(200, b"bytes"))
    assert get(to(host), host.url("/a%2fb?x=%7e'&y"), credentials=US) == (200, b"bytes")
    request = host.requests[0]
    assert request.path == "/a%2fb?x=%7e'&y"
    assert request.authorization == US.header
    assert request.headers["host"] == f"127.0.0.1:{host.port}"
    assert request.headers["accept-encoding"] == "identity"


def test_a_post_carries_its_body_with_a_known_length(host: Loopback) -> None:
    host.on("/cb", Answer(201))
    with to(host).open("POST", host.url("/cb"), body=b"{}" * 100) as response:
        assert response.status == 201
    assert host.requests[0].body == b"{}" * 100
    assert host.requests[0].headers["content-length"] == "200"


def test_credentials_do_not_show_in_a_repr() -> None:
    assert "hunter2" not in repr(US)


def test_an_origin_that_is_not_allowed_is_never_connected_to(host: Loopback) -> None:
    outbound = Outbound(Origins(["*.twilio.com"]))
    with pytest.raises(OutboundRefused, match="not an allowed origin"):
        get(outbound, host.url("/?secret=1"))
    assert host.requests == []


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1"])
def test_an_allowed_name_with_a_private_address_is_refused(address: str) -> None:
    outbound = Outbound(Origins(["*.twilio.com"]), resolver=lambda *_: ["54.172.60.1", address])
    with pytest.raises(OutboundRefused, match="not public"):
        get(outbound, "https://api.twilio.com/")


def test_an_address_allowed_as_if_it_were_a_name_is_still_judged() -> None:
    with pytest.raises(OutboundRefused, match="not public"):
        get(Outbound(Origins(["169.254.169.254"])), "https://169.254.169.254/latest/meta-data/")


def test_the_name_is_resolved_once_and_the_connection_goes_to_what_was_checked(
    tmp_path: Path,
) -> None:
    server_tls, client_tls = contexts(tmp_path, "media.example.test")
    answers = iter([["127.0.0.1"]])  # a second look-up would find nothing left
    with Loopback(server_tls).running() as host:
        host.on("/x", Answer(200, b"pinned"))
        url = host.url("/x", "media.example.test")
        outbound = Outbound(
            Origins([f"https://media.example.test:{host.port}"]),
            resolver=lambda *_: next(answers),
            tls=client_tls,
        )
        assert get(outbound, url) == (200, b"pinned")
    assert host.server_names == ["media.example.test"]
    assert host.requests[0].headers["host"] == f"media.example.test:{host.port}"


def test_a_certificate_for_another_name_is_not_accepted(tmp_path: Path) -> None:
    server_tls, client_tls = contexts(tmp_path, "other.example.test")
    with Loopback(server_tls).running() as host:
        host.on("/x", Answer(200))
        outbound = Outbound(
            Origins([f"https://media.example.test:{host.port}"]),
            resolver=lambda *_: ["127.0.0.1"],
            tls=client_tls,
        )
        with pytest.raises(OutboundUnavailable, match="SSL"):
            get(outbound, host.url("/x", "media.example.test"))
    assert host.requests == []


def test_a_certificate_of_an_unknown_authority_is_not_accepted(tmp_path: Path) -> None:
    server_tls, _ = contexts(tmp_path, "media.example.test")
    with Loopback(server_tls).running() as host:
        outbound = Outbound(
            Origins([f"https://media.example.test:{host.port}"]), resolver=lambda *_: ["127.0.0.1"]
        )
        with pytest.raises(OutboundUnavailable, match="SSL"):
            get(outbound, host.url("/x", "media.example.test"))


def test_the_next_address_is_tried_where_one_does_not_answer(host: Loopback) -> None:
    host.on("/x", Answer(200, b"second"))
    outbound = Outbound(
        Origins([f"http://media.example.test:{host.port}"]),
        resolver=lambda *_: ["127.0.0.2", "127.0.0.1"],
    )
    assert get(outbound, host.url("/x", "media.example.test")) == (200, b"second")


def test_a_host_without_addresses_or_with_an_impossible_name_is_an_error_of_ours() -> None:
    def fails(*_: object) -> list[str]:
        raise socket.gaierror(-2, "unknown")

    with pytest.raises(OutboundUnavailable, match="cannot be resolved"):
        get(Outbound(Origins(["*.twilio.com"]), resolver=fails), "https://api.twilio.com/")
    with pytest.raises(OutboundUnavailable, match="no address"):
        get(Outbound(Origins(["*.twilio.com"]), resolver=lambda *_: []), "https://api.twilio.com/")
    with pytest.raises(OutboundRefused, match="no name"):
        get(Outbound(Origins(["*.twilio.com"])), f"https://{'a' * 64}.twilio.com/")


def test_looking_for_an_address_counts_into_the_whole_time(host: Loopback) -> None:
    def slow(*_: object) -> list[str]:
        threading.Event().wait(0.2)
        return ["127.0.0.1"]

    outbound = Outbound(Origins([host.origin]), timeouts=Timeouts(total=0.05), resolver=slow)
    with pytest.raises(OutboundUnavailable, match=r"longer than 0\.05 s"):
        get(outbound, host.url("/x"))
    assert host.requests == []


def test_a_port_without_a_listener_is_unavailable() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(OutboundUnavailable, match="cannot be reached"):
            get(Outbound(Origins([origin])), origin)


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirects_within_an_origin_keep_the_credentials(
        self, host: Loopback, status: int
    ) -> None:
        host.on("/a", redirect("/b?x=1", status))
        host.on("/b", Answer(200, b"there"))
        assert get(to(host), host.url("/a"), credentials=US) == (200, b"there")
        assert [request.authorization for request in host.requests] == [US.header] * 2

    def test_redirects_to_another_origin_drop_the_credentials_for_good(
        self, host: Loopback, other: Loopback
    ) -> None:
        host.on("/a", redirect(other.url("/b")))
        other.on("/b", redirect(host.url("/c")))
        host.on("/c", Answer(200, b"back"))
        assert get(to(host, other), host.url("/a"), credentials=US) == (200, b"back")
        assert other.requests[0].authorization is None
        assert [request.authorization for request in host.requests] == [US.header, None]

    def test_redirects_to_an_origin_that_is_not_allowed_are_refused(
        self, host: Loopback, other: Loopback
    ) -> None:
        host.on("/a", redirect(other.url("/b")))
        with pytest.raises(OutboundRefused, match="not an allowed origin"):
            get(to(host), host.url("/a"), credentials=US)
        assert other.requests == []

    @pytest.mark.parametrize(
        "location",
        [
            "http://169.254.169.254/latest",
            "file:///etc/passwd",
            "//evil.example/x",
            "http://[",
            "https://a b/",
        ],
    )
    def test_redirects_to_what_is_no_public_url_are_refused(
        self, host: Loopback, location: str
    ) -> None:
        host.on("/a", redirect(location))
        with pytest.raises(OutboundRefused):
            get(to(host), host.url("/a"))

    def test_redirects_are_followed_five_times_and_no_more(self, host: Loopback) -> None:
        for number in range(6):
            host.on(f"/{number}", redirect(f"/{number + 1}"))
        host.on("/6", Answer(200, b"too far"))
        with pytest.raises(OutboundRefused, match="more than 5 redirects"):
            get(to(host), host.url("/0"))
        assert len(host.requests) == 6
        assert get(to(host), host.url("/1")) == (200, b"too far")

    def test_redirects_of_a_post_are_returned_and_not_followed(self, host: Loopback) -> None:
        host.on("/a", redirect("/b", 307))
        with to(host).open("POST", host.url("/a"), body=b"x", credentials=US) as response:
            assert response.status == 307
        assert len(host.requests) == 1

    def test_redirects_without_a_location_are_an_answer(self, host: Loopback) -> None:
        host.on("/a", Answer(304))
        host.on("/b", Answer(302))
        assert get(to(host), host.url("/a"))[0] == 304
        assert get(to(host), host.url("/b"))[0] == 302


class TestBodies:
    def test_bodies_are_read_to_their_limit_and_not_beyond(self, host: Loopback) -> None:
        host.on("/x", Answer(200, b"a" * 300_000))
        with to(host).open("GET", host.url("/x")) as response:
            assert response.length == 300_000
            assert len(response.read(300_000)) == 300_000
        with (
            to(host).open("GET", host.url("/x")) as response,
            pytest.raises(OutboundRefused, match="more than 299999 bytes"),
        ):
            response.read(299_999)

    def test_bodies_may_be_left_unread(self, host: Loopback) -> None:
        host.on("/x", Answer(200, b"a" * 300_000))
        with to(host).open("GET", host.url("/x")) as response:
            assert next(response.blocks(1 << 20))

    def test_bodies_in_chunks_arrive_whole(self, host: Loopback) -> None:
        def chunked() -> Iterator[bytes]:
            yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            yield b"5\r\nhello\r\n"
            yield b"6\r\n world\r\n0\r\n\r\n"

        host.on("/x", Answer(raw=chunked))
        assert get(to(host), host.url("/x")) == (200, b"hello world")

    @pytest.mark.parametrize(
        "head",
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhello",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Le",
            b"",
            b"not HTTP at all\r\n\r\n",
        ],
    )
    def test_bodies_that_end_early_are_unavailable(self, host: Loopback, head: bytes) -> None:
        host.on("/x", Answer(raw=lambda: iter([head])))
        with pytest.raises(OutboundUnavailable):
            get(to(host), host.url("/x"))

    def test_bodies_that_hang_meet_the_read_timeout(self, host: Loopback) -> None:
        release = threading.Event()

        def hangs() -> Iterator[bytes]:
            yield b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhe"
            release.wait(60)

        host.on("/x", Answer(raw=hangs))
        with pytest.raises(OutboundUnavailable, match="broke off"):
            get(to(host, timeouts=Timeouts(read=1, total=60)), host.url("/x"))
        release.set()

    @pytest.mark.parametrize(
        "head",
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX-Slow: ",
        ],
    )
    def test_bodies_that_drip_meet_the_total_timeout(self, host: Loopback, head: bytes) -> None:
        stop = threading.Event()

        def drips() -> Iterator[bytes]:
            yield head
            while not stop.wait(0.02):
                yield b"a"

        host.on("/x", Answer(raw=drips))
        with pytest.raises(OutboundUnavailable, match=r"longer than 0\.3 s"):
            get(to(host, timeouts=Timeouts(read=5, total=0.3)), host.url("/x"))
        stop.set()

    def test_bodies_that_drip_over_tls_meet_the_total_timeout(self, tmp_path: Path) -> None:
        server_tls, client_tls = contexts(tmp_path, "media.example.test")
        stop = threading.Event()

        def drips() -> Iterator[bytes]:
            yield b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
            while not stop.wait(0.02):
                yield b"a"

        with Loopback(server_tls).running() as host:
            host.on("/x", Answer(raw=drips))
            outbound = Outbound(
                Origins([f"https://media.example.test:{host.port}"]),
                timeouts=Timeouts(read=5, total=0.3),
                resolver=lambda *_: ["127.0.0.1"],
                tls=client_tls,
            )
            with pytest.raises(OutboundUnavailable, match=r"longer than 0\.3 s"):
                get(outbound, host.url("/x", "media.example.test"))
            stop.set()


def test_a_response_gives_its_retry_after(host: Loopback) -> None:
    host.on("/x", Answer(429, b"", {"Retry-After": "7"}))
    with to(host).open("GET", host.url("/x")) as response:
        assert response.retry_after == 7


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b'{"a": [1]}', {"a": [1]}),
        (b"", {}),
        (b"[]", None),
        (b"null", None),
        (b"{", None),
        (b"\xff", None),
        (b"[" * 100_000, None),
    ],
)
def test_only_a_json_object_is_a_document(
    host: Loopback, body: bytes, document: dict[str, object] | None
) -> None:
    host.on("/x", Answer(200, body))
    with to(host).open("GET", host.url("/x")) as response:
        assert response.document(1 << 20) == document


def test_a_document_has_a_limit(host: Loopback) -> None:
    host.on("/x", Answer(200, b'{"a": 1}'))
    with (
        to(host).open("GET", host.url("/x")) as response,
        pytest.raises(OutboundRefused, match="more than 7 bytes"),
    ):
        response.document(7)


def test_errors_become_those_of_the_caller_with_their_message() -> None:
    for raised in (OutboundRefused, OutboundUnavailable):
        with (
            pytest.raises(SourceRefused if raised is OutboundRefused else SourceGone, match="why"),
            errors_as(SourceRefused, SourceGone),
        ):
            raise raised("why")
