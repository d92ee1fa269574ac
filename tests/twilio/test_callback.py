from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from email import message_from_bytes
from typing import Any

import pytest

from addon.errors import CallbackClosed, CallbackUnauthorised, CallbackUnavailable
from addon.outbound import Credentials, Origins, Outbound, Timeouts
from addon.twilio import callback
from addon.twilio.callback import encode, post_result
from tests.outbound.loopback import Answer, Loopback

OURS = Credentials("AC1", "token")
THEIRS = Credentials("issued", "by-twilio")
RESULT = {
    "status": "successful",
    "message": None,
    "code": None,
    "request_sid": "XR1",
    "result": {"x": 1},
}


def deliver(host: Loopback, path: str = "/cb", **options: Any) -> int:
    outbound = Outbound(Origins([host.origin]))
    options.setdefault("credentials", [OURS])
    return post_result(host.url(path), RESULT, outbound=outbound, **options)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_delivered(host: Loopback, status: int) -> None:
    host.on("/cb", Answer(status))
    assert deliver(host) == status


def test_the_result_goes_to_the_very_address_with_basic_auth_and_a_length(host: Loopback) -> None:
    host.on("/v1/cb%2fXRabc", Answer(200))
    deliver(host, "/v1/cb%2fXRabc?x=1&y='%7e")
    request = host.requests[0]
    assert (request.method, request.path) == ("POST", "/v1/cb%2fXRabc?x=1&y='%7e")
    assert request.authorization == OURS.header
    assert request.headers["content-type"] == "application/json"
    assert int(request.headers["content-length"]) == len(request.body)
    assert json.loads(request.body) == RESULT


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_busy_callback_is_worth_another_try(host: Loopback, status: int) -> None:
    host.on("/cb", Answer(status, b"", {"Retry-After": "7"}), Answer(status))
    for wanted in (7, None):
        with pytest.raises(CallbackUnavailable) as busy:
            deliver(host)
        assert busy.value.retry_after == wanted
    assert len(host.requests) == 2


@pytest.mark.parametrize("status", [400, 404, 405, 409, 410, 413, 422])
def test_a_refusal_is_for_good(host: Loopback, status: int) -> None:
    host.on("/cb", Answer(status))
    with pytest.raises(CallbackClosed, match=str(status)):
        deliver(host, credentials=[OURS, THEIRS])
    assert len(host.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_the_other_credentials_are_tried_once(host: Loopback, status: int) -> None:
    host.on("/cb", Answer(status), Answer(200))
    assert deliver(host, credentials=[OURS, THEIRS]) == 200
    assert [request.authorization for request in host.requests] == [OURS.header, THEIRS.header]


@pytest.mark.parametrize("credentials", [[], [OURS], [OURS, THEIRS], [OURS, THEIRS, OURS]])
def test_then_a_person_is_called(host: Loopback, credentials: list[Credentials]) -> None:
    host.on("/cb", Answer(401))
    with pytest.raises(CallbackUnauthorised):
        deliver(host, credentials=credentials)
    assert len(host.requests) == min(max(len(credentials), 1), 2)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(host: Loopback, other: Loopback, status: int) -> None:
    host.on("/cb", Answer(status, b"", {"Location": other.url("/cb")}))
    other.on("/cb", Answer(200))
    outbound = Outbound(Origins([host.origin, other.origin]))
    with pytest.raises(CallbackClosed):
        post_result(host.url("/cb"), RESULT, outbound=outbound, credentials=[OURS])
    assert other.requests == []


def test_an_address_that_is_not_allowed_is_closed_and_never_asked(
    host: Loopback, other: Loopback
) -> None:
    outbound = Outbound(Origins([other.origin]))
    with pytest.raises(CallbackClosed):
        post_result(host.url("/cb"), RESULT, outbound=outbound, credentials=[OURS])
    assert host.requests == []


@pytest.mark.parametrize(
    "url", ["", "not a url", "https://u:p@api.twilio.com/", "file:///etc/passwd"]
)
def test_what_is_no_address_is_closed(url: str) -> None:
    with pytest.raises(CallbackClosed):
        post_result(url, RESULT, outbound=Outbound(Origins(["*.twilio.com"])), credentials=[])


def test_a_callback_that_hangs_or_breaks_off_is_unavailable(
    host: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback, "CALLBACK_TIMEOUTS", Timeouts(read=0.1, total=1))

    released = threading.Event()

    def silent() -> Iterator[bytes]:
        released.wait(60)
        yield b""

    host.on("/cb", Answer(raw=silent))
    with pytest.raises(CallbackUnavailable):
        deliver(host)
    released.set()
    host.on("/cb", Answer(raw=lambda: iter([b"HTTP/1.1 2"])))
    with pytest.raises(CallbackUnavailable):
        deliver(host)


def test_the_multipart_shape_carries_the_document_as_a_file() -> None:
    body, content_type = encode(RESULT, "multipart")
    message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    parts = {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in message.get_payload()  # type: ignore[union-attr]
    }
    assert parts["request_sid"] == b"XR1"
    assert parts["status"] == b"ok"
    assert parts["message"] == b""
    assert json.loads(parts["document"]) == RESULT  # type: ignore[arg-type]
    assert b"error" in encode({**RESULT, "status": "failed"}, "multipart")[0]


def test_a_number_that_json_has_not_is_never_sent() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode({"x": float("nan")})
