from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from addon.errors import SourceGone, SourceRefused, SourceUnavailable
from addon.outbound import Origins, Outbound
from addon.twilio.media import RETRY_DELAYS_S, fetch
from addon.twilio.rest import TwilioApi
from tests.outbound.loopback import Answer, Loopback

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(range(256)) * 1000
NOT_FOUND = b'<?xml version="1.0"?><TwilioResponse><RestException><Code>20404</Code>'


def download(url: str, *servers: Loopback, **options: Any) -> bytes:
    outbound = Outbound(Origins([server.origin for server in servers]))
    with fetch(url, outbound=outbound, **options) as media:
        return b"".join(media.blocks)


def api(server: Loopback) -> TwilioApi:
    return TwilioApi("AC" + "0a" * 16, "token", base_url=server.origin)


def test_every_byte_of_a_recording_arrives_with_what_is_known_of_it(host: Loopback) -> None:
    host.on("/r", Answer(200, WAV, {"Content-Type": "audio/x-wav"}))
    with fetch(host.url("/r"), outbound=Outbound(Origins([host.origin]))) as media:
        assert (media.content_type, media.length) == ("audio/x-wav", len(WAV))
        assert b"".join(media.blocks) == WAV


def test_a_head_that_comes_in_drops_is_still_judged_whole(host: Loopback) -> None:
    def drops() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(WAV)
        for index in range(100):
            yield WAV[index : index + 1]
        yield WAV[100:]

    host.on("/r", Answer(raw=drops))
    assert download(host.url("/r"), host) == WAV


def test_a_recording_that_is_not_there_yet_is_tried_again_after_each_delay(host: Loopback) -> None:
    host.on("/r", Answer(404, NOT_FOUND), Answer(404, NOT_FOUND), Answer(200, WAV))
    waits = []
    for attempt in range(3):
        try:
            assert download(host.url("/r"), host, attempt=attempt) == WAV
        except SourceUnavailable as error:
            waits.append(error.retry_after)
    assert waits == [1, 2]


def test_after_the_last_delay_a_recording_is_gone(host: Loopback) -> None:
    host.on("/r", Answer(404, NOT_FOUND))
    assert sum(RETRY_DELAYS_S) == 228
    with pytest.raises(SourceUnavailable):
        download(host.url("/r"), host, attempt=len(RETRY_DELAYS_S) - 1)
    with pytest.raises(SourceGone, match="404, after 8 tries"):
        download(host.url("/r"), host, attempt=len(RETRY_DELAYS_S))
    with pytest.raises(SourceGone):
        download(host.url("/r"), host, attempt=7)


def test_410_is_gone_at_once(host: Loopback) -> None:
    host.on("/r", Answer(410))
    with pytest.raises(SourceGone):
        download(host.url("/r"), host)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_busy_host_is_asked_again_no_sooner_than_it_says(host: Loopback, status: int) -> None:
    host.on("/r", Answer(status, b"", {"Retry-After": "9"}), Answer(status))
    for wanted in (9, None):
        with pytest.raises(SourceUnavailable) as busy:
            download(host.url("/r"), host, attempt=99)
        assert busy.value.retry_after == wanted


@pytest.mark.parametrize("status", [201, 204, 206, 304])
def test_no_other_status_carries_a_recording(host: Loopback, status: int) -> None:
    host.on("/r", Answer(status, b"" if status in (204, 304) else WAV))
    with pytest.raises(SourceGone):
        download(host.url("/r"), host)


@pytest.mark.parametrize(
    "body",
    [
        NOT_FOUND * 10,
        b"\xef\xbb\xbf  \r\n<html>",
        b'{"code": 20404}',
        b"[1]",
        b"plain words, no audio",
        b"R",
        "<html>gone</html>".encode("utf-16"),
        b"<!-- edge 7 -->\n<html></html>",
    ],
)
def test_an_error_document_is_never_taken_for_a_recording(host: Loopback, body: bytes) -> None:
    host.on("/r", Answer(200, body, {"Content-Type": "audio/x-wav"}))
    with pytest.raises(SourceUnavailable, match="instead of a recording") as later:
        download(host.url("/r"), host, attempt=2)
    assert later.value.retry_after == RETRY_DELAYS_S[2]
    with pytest.raises(SourceGone, match="after 8 tries"):
        download(host.url("/r"), host, attempt=len(RETRY_DELAYS_S))


@pytest.mark.parametrize("answer", [NOT_FOUND, b""], ids=["a document", "nothing"])
def test_the_recording_behind_one_wrong_answer_is_fetched(host: Loopback, answer: bytes) -> None:
    host.on("/r", Answer(200, answer), Answer(200, WAV))
    with pytest.raises(SourceUnavailable):
        download(host.url("/r"), host)
    assert download(host.url("/r"), host, attempt=1) == WAV


@pytest.mark.parametrize(
    "content",
    [b"\xff" * 9000, bytes(9000), bytes(range(256)), b"\0\1"],
    ids=["idle mu-law", "zeros", "unknown", "two bytes"],
)
def test_bytes_of_no_known_kind_are_handed_on(host: Loopback, content: bytes) -> None:
    host.on("/r", Answer(200, content))
    assert download(host.url("/r"), host) == content


def test_nothing_at_all_is_waited_for(host: Loopback) -> None:
    host.on("/r", Answer(200, b""))
    with pytest.raises(SourceUnavailable, match="sent nothing"):
        download(host.url("/r"), host)
    with pytest.raises(SourceGone):
        download(host.url("/r"), host, attempt=len(RETRY_DELAYS_S))


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", WAV],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10\r\n", WAV[:16], b"\r\n"],
        [],
    ],
)
def test_a_download_that_breaks_off_is_never_a_whole_one(
    host: Loopback, pieces: list[bytes]
) -> None:
    host.on("/r", Answer(raw=lambda: iter(pieces)))
    with pytest.raises(SourceUnavailable):
        download(host.url("/r"), host)


def test_more_than_the_limit_is_refused(host: Loopback) -> None:
    host.on("/r", Answer(200, WAV))
    assert download(host.url("/r"), host, limit=len(WAV)) == WAV
    with pytest.raises(SourceRefused, match="more than"):
        download(host.url("/r"), host, limit=len(WAV) - 1)


def test_an_address_that_is_not_allowed_is_refused_first_hand_and_by_redirect(
    host: Loopback, other: Loopback
) -> None:
    host.on("/r", Answer(302, b"", {"Location": other.url("/r")}))
    other.on("/r", Answer(200, WAV))
    for url in (other.url("/r"), host.url("/r")):
        with pytest.raises(SourceRefused):
            download(url, host)
    assert other.requests == []


class TestCredentials:
    def test_go_to_the_api_and_not_along_to_storage(self, host: Loopback, other: Loopback) -> None:
        host.on("/r", Answer(307, b"", {"Location": other.url("/stored")}))
        other.on("/stored", Answer(200, WAV))
        assert download(host.url("/r"), host, other, api=api(host)) == WAV
        assert host.requests[0].authorization == api(host).credentials.header
        assert other.requests[0].authorization is None

    def test_credentials_do_not_go_to_a_temporary_address(
        self, host: Loopback, other: Loopback
    ) -> None:
        other.on("/r", Answer(200, WAV))
        download(other.url("/r"), host, other, api=api(host))
        assert other.requests[0].authorization is None

    def test_credentials_are_not_invented(self, host: Loopback) -> None:
        host.on("/r", Answer(200, WAV))
        download(host.url("/r"), host)
        assert host.requests[0].authorization is None


class TestFallback:
    def test_the_fallback_is_asked_once_where_two_channels_do_not_exist(
        self, host: Loopback
    ) -> None:
        host.on("/2", Answer(400, b'{"code":20001}'))
        host.on("/1", Answer(200, WAV))
        got = download(host.url("/2"), host, api=api(host), fallback_url=host.url("/1"))
        assert got == WAV
        assert [request.authorization for request in host.requests] == [
            api(host).credentials.header
        ] * 2

    def test_a_fallback_that_fails_is_treated_like_any_other(self, host: Loopback) -> None:
        host.on("/2", Answer(400))
        with pytest.raises(SourceUnavailable):
            download(host.url("/2"), host, fallback_url=host.url("/1"))

    def test_the_fallback_is_not_asked_for_other_reasons(self, host: Loopback) -> None:
        host.on("/1", Answer(200, WAV))
        with pytest.raises(SourceUnavailable):
            download(host.url("/2"), host, fallback_url=host.url("/1"))
        assert len(host.requests) == 1

    def test_without_a_fallback_400_is_like_404(self, host: Loopback) -> None:
        host.on("/2", Answer(400))
        with pytest.raises(SourceUnavailable):
            download(host.url("/2"), host)
        with pytest.raises(SourceGone):
            download(host.url("/2"), host, attempt=7)


def test_no_message_holds_the_signed_address(host: Loopback) -> None:
    with pytest.raises(SourceUnavailable) as failed:
        download(host.url("/secret-path?sig=s3cret"), host)
    assert "secret" not in failed.value.message
