"""Monitor mode over real HTTP: requests signed each way, and what is kept of them afterwards."""

from __future__ import annotations

import hashlib
import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
from flask import Flask
from werkzeug.serving import make_server

from addon.factory import create_app
from addon.settings import Settings
from addon.twilio.captures import Capture, Captures
from addon.twilio.readings import Asked
from tests.calls import wav
from tests.conftest import ACCOUNT, PUBLIC_URL
from tests.stack.running import PATIENCE_S, wait_until
from tests.web import requests as send
from tests.web.requests import INSTALL, Fields, Shape
from tests.web.serving import served

URL = PUBLIC_URL + send.PATH
AUDIO = wav(0.1)
FIELDS: Fields = [("channels", "2"), ("callback", send.CALLBACK), ("From", "+14155551212")]


@dataclass
class Monitored:
    """A service in one of the modes, and what it has captured."""

    port: int
    captures: Captures

    def post(self, shape: Shape, signature: str | None) -> tuple[int, str]:
        """Send an invocation; gives the status and its SID."""
        sid = send.new_sid()
        headers = {"X-Twilio-VendorAccountSid": ACCOUNT, "X-Twilio-AddOnInstallSid": INSTALL}
        headers |= {"X-Twilio-RequestSid": sid, "Content-Type": shape.content_type}
        if signature is not None:
            headers["X-Twilio-Signature"] = signature
        return self.ask(shape.path, shape.body, headers), sid

    def ask(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def captured(self, shape: Shape, signature: str | None) -> Capture:
        """Send an invocation that is accepted; gives what is kept of it."""
        status, sid = self.post(shape, signature)
        assert status == 202
        return self.wait_for(sid)

    def wait_for(self, sid: str) -> Capture:
        wait_until(lambda: sid in self.sids())
        return next(each for each in self.captures.all() if each.request_sid == sid)

    def sids(self) -> list[str]:
        return [each.request_sid for each in self.captures.all()]


@contextmanager
def serving(app: Flask, captures: Captures) -> Iterator[Monitored]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield Monitored(server.server_port, captures)
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def monitored(settings: Settings, redis_server) -> Iterator[Monitored]:
    app = create_app(replace(settings, signature_mode="monitor"))
    with serving(app, Captures(redis_server)) as service:
        yield service


@pytest.fixture
def enforced(settings: Settings, redis_server) -> Iterator[Monitored]:
    with serving(create_app(settings), Captures(redis_server)) as service:
        yield service


def upload(fields: Fields = FIELDS) -> Shape:
    return send.multipart(fields, AUDIO, name="audio-data", filename="call.wav")


def test_a_valid_multipart_request_confirms_the_hypothesis(monitored: Monitored) -> None:
    capture = monitored.captured(upload(), send.signature(URL, FIELDS))
    assert (capture.accepted, capture.body) == (True, "multipart")
    assert capture.found is not None
    assert (capture.found.covers, capture.found.url) == ("text fields", "")
    assert capture.found.redacted == f"{URL} | From=12 callback={len(send.CALLBACK)} channels=1"


@pytest.mark.parametrize(
    ("covers", "fields"),
    [
        ("no fields", []),
        ("fields and file name", [*FIELDS, ("audio-data", "call.wav")]),
        ("fields and empty file", [*FIELDS, ("audio-data", "")]),
    ],
)
def test_a_refused_one_tells_what_was_signed_instead(
    monitored: Monitored, covers: str, fields: Fields
) -> None:
    capture = monitored.captured(upload(), send.signature(URL, fields))
    assert not capture.accepted
    assert capture.found is not None
    assert (capture.found.covers, capture.found.url) == (covers, "")


def test_the_body_hash_is_that_of_the_bytes_that_came(monitored: Monitored) -> None:
    shape = upload()
    digest = hashlib.sha256(shape.body).hexdigest()
    capture = monitored.captured(shape, send.signature(f"{URL}?bodySHA256={digest}"))
    assert capture.found is not None and capture.found.covers == "bodySHA256 added"


@pytest.mark.parametrize(
    ("differs", "url"),
    [
        ("port 443", "https://hooks.example.net:443/recording-analysis"),
        ("http", "http://hooks.example.net/recording-analysis"),
        ("with final slash", f"{URL}/"),
    ],
)
def test_a_url_that_is_not_public_url_is_told(monitored: Monitored, differs: str, url: str) -> None:
    capture = monitored.captured(upload(), send.signature(url, FIELDS))
    assert capture.found is not None
    assert (capture.found.covers, capture.found.url) == ("text fields", differs)
    assert capture.accepted is (differs == "port 443")


def test_the_host_that_a_request_came_for_is_tried(monitored: Monitored) -> None:
    host = f"127.0.0.1:{monitored.port}"
    capture = monitored.captured(upload(), send.signature(f"http://{host}{send.PATH}", FIELDS))
    assert capture.found is not None
    assert capture.found.url == f"http, host {host}"


def test_unsigned_and_unexplained_requests_are_kept_too(monitored: Monitored) -> None:
    unsigned = monitored.captured(upload(), None)
    assert (unsigned.reason, unsigned.signature) == ("no signature header", "none")
    forged = monitored.captured(upload(), "TPEzSRfZHGUo0Dpi5BTrq2Kf3yA=")
    assert (forged.found, forged.signature) == (None, "28 characters, TPEzSR…")


def test_nothing_that_was_sent_is_in_redis_afterwards(monitored: Monitored, redis_server) -> None:
    monitored.captured(upload(), send.signature(URL, FIELDS))
    monitored.captured(upload(), "TPEzSRfZHGUo0Dpi5BTrq2Kf3yA=")
    for capture in monitored.captures.all():
        for private in ("14155551212", "marketplace.example.com", "XRabc", "call.wav"):
            assert private not in capture.to_json()


def test_forms_that_are_in_order_are_no_news(monitored: Monitored) -> None:
    urlencoded, json = send.url_only(), send.json_body()
    for shape in (urlencoded, json):
        assert (
            monitored.post(shape, send.signature(PUBLIC_URL + shape.path, shape.signed))[0] == 202
        )
    refused = monitored.captured(urlencoded, send.signature(URL))
    assert monitored.sids() == [refused.request_sid]
    assert refused.found is not None and refused.found.covers == "no fields"


def test_a_status_callback_of_flex_is_captured_by_its_recording(monitored: Monitored) -> None:
    sid = "RE" + "4c" * 16
    body = f"RecordingSid={sid}&RecordingStatus=in-progress&AccountSid={ACCOUNT}".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": "x"}
    assert monitored.ask("/flex/recording-status", body, headers) == 204
    capture = monitored.wait_for(sid)
    assert (capture.body, capture.found) == ("urlencoded", None)


def test_nothing_is_captured_where_signatures_are_enforced(
    enforced: Monitored, redis_server
) -> None:
    assert enforced.post(upload(), send.signature(URL, FIELDS))[0] == 202
    assert enforced.post(upload(), send.signature(URL))[0] == 403
    assert enforced.post(upload(), None)[0] == 403
    assert redis_server.keys("signatures:*") == []


def test_the_answer_does_not_wait_for_the_capture(
    monitored: Monitored, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    add = Captures.add

    def held(captures: Captures, capture: Capture) -> None:
        assert answered.wait(PATIENCE_S)
        add(captures, capture)

    monkeypatch.setattr(Captures, "add", held)
    status, sid = monitored.post(upload(), send.signature(URL, FIELDS))
    assert status == 202
    assert monitored.sids() == []
    answered.set()
    assert monitored.wait_for(sid).accepted


def test_a_capture_that_fails_fails_nothing(
    monitored: Monitored, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()

    def broken(*_arguments: object) -> Asked:
        tried.set()
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(Asked, "from_request", broken)
    assert monitored.post(upload(), send.signature(URL, FIELDS))[0] == 202
    assert tried.wait(PATIENCE_S)
    monkeypatch.undo()
    assert monitored.captured(upload(), send.signature(URL, FIELDS)).accepted


def test_the_deployed_server_captures_too(settings: Settings, redis_server) -> None:
    with served(replace(settings, signature_mode="monitor")) as server:
        service = Monitored(server.port, Captures(redis_server))
        capture = service.captured(upload(), send.signature(URL))
    assert capture.found is not None and capture.found.covers == "no fields"
