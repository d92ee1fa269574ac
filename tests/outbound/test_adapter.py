"""What `requests` would do of its own accord, and must not."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from addon.errors import OutboundUnavailable
from addon.outbound import Bearer, Credentials, Origins, Outbound, Timeouts
from tests.outbound.authority import contexts
from tests.outbound.loopback import Answer, Loopback

BRISK = Timeouts(connect=2, read=2, total=5)


def to(*servers: Loopback, timeouts: Timeouts = BRISK) -> Outbound:
    return Outbound(Origins([server.origin for server in servers]), timeouts=timeouts)


def get(outbound: Outbound, url: str, **options: object) -> bytes:
    with outbound.open("GET", url, **options) as response:  # type: ignore[arg-type]
        return response.read(1 << 20)


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch, other: Loopback) -> Loopback:
    """A proxy that the environment names for everything."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, other.origin)
        monkeypatch.setenv(name.lower(), other.origin)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    return other


def test_a_proxy_of_the_environment_is_not_used(host: Loopback, proxied: Loopback) -> None:
    host.on("/x", Answer(200, b"direct"))
    assert get(to(host), host.url("/x")) == b"direct"
    assert proxied.requests == []


def test_a_proxy_of_the_environment_is_not_used_over_tls(tmp_path: Path, proxied: Loopback) -> None:
    server_tls, client_tls = contexts(tmp_path, "media.example.test")
    with Loopback(server_tls).running() as host:
        host.on("/x", Answer(200, b"direct"))
        outbound = Outbound(
            Origins([f"https://media.example.test:{host.port}"]),
            timeouts=BRISK,
            resolver=lambda *_: ["127.0.0.1"],
            tls=client_tls,
        )
        assert get(outbound, host.url("/x", "media.example.test")) == b"direct"
    assert proxied.requests == []


def test_a_password_in_netrc_is_not_sent(
    host: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    host.on("/x", Answer(200))
    get(to(host), host.url("/x"))
    assert host.requests[0].authorization is None
    get(to(host), host.url("/x"), credentials=Bearer("ours"))
    assert host.requests[1].authorization == "Bearer ours"


def test_authorities_named_by_the_environment_are_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server_tls, _ = contexts(tmp_path, "media.example.test")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(tmp_path / "media.example.test.pem"))
    _, others = contexts(tmp_path, "other.example.test")
    with Loopback(server_tls).running() as host:
        outbound = Outbound(
            Origins([f"https://media.example.test:{host.port}"]),
            timeouts=BRISK,
            resolver=lambda *_: ["127.0.0.1"],
            tls=others,
        )
        with pytest.raises(OutboundUnavailable, match="SSL"):
            get(outbound, host.url("/x", "media.example.test"))


def test_cookies_are_neither_kept_nor_sent(host: Loopback) -> None:
    host.on("/a", Answer(302, b"", {"Location": "/b", "Set-Cookie": "id=1; Path=/"}))
    host.on("/b", Answer(200, b"", {"Set-Cookie": "id=2; Path=/"}))
    outbound = to(host)
    get(outbound, host.url("/a"))
    get(outbound, host.url("/a"))
    assert [request.headers.get("cookie") for request in host.requests] == [None] * 4


@pytest.mark.parametrize("status", [413, 429, 503])
def test_nothing_is_sent_twice_where_a_host_says_try_again(host: Loopback, status: int) -> None:
    host.on("/x", Answer(status, b"", {"Retry-After": "0"}))
    with to(host).open("POST", host.url("/x"), body=b"result") as response:
        assert response.status == status
    assert len(host.requests) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_is_sent_twice_where_the_connection_breaks(host: Loopback, method: str) -> None:
    host.on("/x", Answer(raw=lambda: iter(())))
    with (
        pytest.raises(OutboundUnavailable),
        to(host).open(method, host.url("/x"), body=b"result" if method == "POST" else None),
    ):
        pass
    assert len(host.requests) == 1


def test_a_body_that_is_compressed_unasked_is_not_expanded(host: Loopback) -> None:
    host.on("/x", Answer(200, b"\x1f\x8b not gzip at all", {"Content-Encoding": "gzip"}))
    assert get(to(host), host.url("/x")) == b"\x1f\x8b not gzip at all"


def test_the_body_of_a_redirect_is_not_read(host: Loopback) -> None:
    def endless() -> Iterator[bytes]:
        yield b"HTTP/1.1 302 Found\r\nLocation: /b\r\nConnection: close\r\n\r\n"
        while True:
            yield b"a" * 65536

    host.on("/a", Answer(raw=endless))
    host.on("/b", Answer(200, b"there"))
    assert get(to(host), host.url("/a")) == b"there"
    with to(host).open("POST", host.url("/a"), body=b"x") as response:
        assert response.status == 302


def test_requests_of_one_client_use_connections_of_their_own(host: Loopback) -> None:
    host.on("/x", Answer(200, b"whole"))
    outbound = to(host)
    with outbound.open("GET", host.url("/x")) as first:
        assert get(outbound, host.url("/x")) == b"whole"
        assert first.read(10) == b"whole"


@pytest.mark.parametrize("path", ["/%7e%2f?a=%2F&b='", "/x?", "/a/../b", "/%zz"])
def test_a_target_leaves_as_it_was_given(host: Loopback, path: str) -> None:
    host.otherwise = lambda _request: Answer(200)
    get(to(host), host.url(path))
    assert host.requests[0].path == path


def test_an_error_names_neither_the_query_nor_a_secret(host: Loopback) -> None:
    host.on("/x", Answer(raw=lambda: iter(())))
    forged = Bearer("s3cret\r\nHost: evil")
    for credentials in (Credentials("AC1", "hunter2"), forged):
        with pytest.raises(OutboundUnavailable) as caught:
            get(to(host), host.url("/x?sig=s3cret"), credentials=credentials)
        text = "".join(traceback.format_exception(caught.value))
        told = [line for line in text.splitlines() if not line.startswith("    ")]
        assert "s3cret" not in "\n".join(told)
        assert "hunter2" not in "\n".join(told)
    assert len(host.requests) == 1
