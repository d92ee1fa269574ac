"""Monitor mode over real HTTP: requests signed each way, and what is kept of them afterwards."""

from __future__ import annotations

import hashlib
import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from flask import Flask
from werkzeug.serving import make_server

from addon.factory import create_app
from addon.settings import Settings
from addon.twilio.signature_diagnostics import Diagnosis, SignatureDiagnostics
from addon.twilio.signature_hypotheses import SignedRequest
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
    """A service in one of the modes, and what it has diagnosed."""

    port: int
    diagnostics: SignatureDiagnostics

    def post(self, shape: Shape, signature: str | None) -> tuple[int, str]:
        """Send an invocation; gives the status and its SID."""
        sid = send.new_sid()
        headers = {"X-Twilio-VendorAccountSid": ACCOUNT, "X-Twilio-AddOnInstallSid": INSTALL}
        headers |= {"X-Twilio-RequestSid": sid, "Content-Type": shape.content_type}
        if signature is not None:
            headers["X-Twilio-Signature"] = signature
        status = self.ask(shape.path, shape.body, headers)
        if status == 503:  # a busy machine's Redis was slow: Twilio tries again
            status = self.ask(shape.path, shape.body, headers)
        return status, sid

    def ask(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def diagnosed(self, shape: Shape, signature: str | None) -> Diagnosis:
        """Send an invocation that is accepted; gives what is kept of it."""
        status, sid = self.post(shape, signature)
        assert status == 202
        return self.wait_for(sid)

    def wait_for(self, sid: str) -> Diagnosis:
        wait_until(lambda: sid in self.sids())
        return next(each for each in self.diagnostics.all() if each.request_sid == sid)

    def sids(self) -> list[str]:
        return [each.request_sid for each in self.diagnostics.all()]


@contextmanager
def serving(app: Flask, diagnostics: SignatureDiagnostics) -> Iterator[Monitored]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield Monitored(server.server_port, diagnostics)
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def monitored(settings: Settings, redis_server) -> Iterator[Monitored]:
    app = create_app(settings.replace(signature_mode="monitor"))
    with serving(app, SignatureDiagnostics(redis_server)) as service:
        yield service


@pytest.fixture
def enforced(settings: Settings, redis_server) -> Iterator[Monitored]:
    with serving(create_app(settings), SignatureDiagnostics(redis_server)) as service:
        yield service


def upload(fields: Fields = FIELDS) -> Shape:
    return send.multipart(fields, AUDIO, name="audio-data", filename="call.wav")


def test_a_valid_multipart_request_confirms_the_hypothesis(monitored: Monitored) -> None:
    diagnosis = monitored.diagnosed(upload(), send.signature(URL, FIELDS))
    assert (diagnosis.accepted, diagnosis.body) == (True, "multipart")
    assert diagnosis.found is not None
    assert (diagnosis.found.covers, diagnosis.found.url) == ("text fields", "")
    assert diagnosis.found.redacted == f"{URL} | From=12 callback={len(send.CALLBACK)} channels=1"


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
    diagnosis = monitored.diagnosed(upload(), send.signature(URL, fields))
    assert not diagnosis.accepted
    assert diagnosis.found is not None
    assert (diagnosis.found.covers, diagnosis.found.url) == (covers, "")


def test_the_body_hash_is_that_of_the_bytes_that_came(monitored: Monitored) -> None:
    shape = upload()
    digest = hashlib.sha256(shape.body).hexdigest()
    diagnosis = monitored.diagnosed(shape, send.signature(f"{URL}?bodySHA256={digest}"))
    assert diagnosis.found is not None and diagnosis.found.covers == "bodySHA256 added"


@pytest.mark.parametrize(
    ("differs", "url"),
    [
        ("port 443", "https://hooks.example.net:443/recording-analysis"),
        ("http", "http://hooks.example.net/recording-analysis"),
        ("with final slash", f"{URL}/"),
    ],
)
def test_a_url_that_is_not_public_url_is_told(monitored: Monitored, differs: str, url: str) -> None:
    diagnosis = monitored.diagnosed(upload(), send.signature(url, FIELDS))
    assert diagnosis.found is not None
    assert (diagnosis.found.covers, diagnosis.found.url) == ("text fields", differs)
    assert diagnosis.accepted is (differs == "port 443")


def test_the_host_that_a_request_came_for_is_tried(monitored: Monitored) -> None:
    host = f"127.0.0.1:{monitored.port}"
    diagnosis = monitored.diagnosed(upload(), send.signature(f"http://{host}{send.PATH}", FIELDS))
    assert diagnosis.found is not None
    assert diagnosis.found.url == f"http, host {host}"


def test_unsigned_and_unexplained_requests_are_kept_too(monitored: Monitored) -> None:
    unsigned = monitored.diagnosed(upload(), None)
    assert (unsigned.reason, unsigned.signature) == ("no signature header", "none")
    forged = monitored.diagnosed(upload(), "TPEzSRfZHGUo0Dpi5BTrq2Kf3yA=")
    assert (forged.found, forged.signature) == (None, "28 characters, TPEzSR…")


def test_nothing_that_was_sent_is_in_redis_afterwards(monitored: Monitored, redis_server) -> None:
    monitored.diagnosed(upload(), send.signature(URL, FIELDS))
    monitored.diagnosed(upload(), "TPEzSRfZHGUo0Dpi5BTrq2Kf3yA=")
    for diagnosis in monitored.diagnostics.all():
        for private in ("14155551212", "marketplace.example.com", "XRabc", "call.wav"):
            assert private not in diagnosis.to_json()


def test_forms_that_are_in_order_are_no_news(monitored: Monitored) -> None:
    urlencoded, json = send.url_only(), send.json_body()
    for shape in (urlencoded, json):
        assert (
            monitored.post(shape, send.signature(PUBLIC_URL + shape.path, shape.signed))[0] == 202
        )
    refused = monitored.diagnosed(urlencoded, send.signature(URL))
    assert monitored.sids() == [refused.request_sid]
    assert refused.found is not None and refused.found.covers == "no fields"


def test_a_status_callback_of_flex_is_diagnosed_by_its_recording(monitored: Monitored) -> None:
    sid = "RE" + "4c" * 16
    body = f"RecordingSid={sid}&RecordingStatus=in-progress&AccountSid={ACCOUNT}".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": "x"}
    assert monitored.ask("/flex/recording-status", body, headers) == 204
    diagnosis = monitored.wait_for(sid)
    assert (diagnosis.body, diagnosis.found) == ("urlencoded", None)


def test_nothing_is_diagnosed_where_signatures_are_enforced(
    enforced: Monitored, redis_server
) -> None:
    assert enforced.post(upload(), send.signature(URL, FIELDS))[0] == 202
    assert enforced.post(upload(), send.signature(URL))[0] == 403
    assert enforced.post(upload(), None)[0] == 403
    assert redis_server.keys("signatures:*") == []


def test_the_answer_does_not_wait_for_the_diagnosis(
    monitored: Monitored, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    add = SignatureDiagnostics.add

    def held(diagnostics: SignatureDiagnostics, diagnosis: Diagnosis) -> None:
        assert answered.wait(PATIENCE_S)
        add(diagnostics, diagnosis)

    monkeypatch.setattr(SignatureDiagnostics, "add", held)
    status, sid = monitored.post(upload(), send.signature(URL, FIELDS))
    assert status == 202
    assert monitored.sids() == []
    answered.set()
    assert monitored.wait_for(sid).accepted


def test_a_diagnosis_that_fails_fails_nothing(
    monitored: Monitored, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()

    def broken(*_arguments: object) -> SignedRequest:
        tried.set()
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(SignedRequest, "from_request", broken)
    assert monitored.post(upload(), send.signature(URL, FIELDS))[0] == 202
    assert tried.wait(PATIENCE_S)
    monkeypatch.undo()
    assert monitored.diagnosed(upload(), send.signature(URL, FIELDS)).accepted


def test_the_deployed_server_diagnoses_too(settings: Settings, redis_server) -> None:
    with served(settings.replace(signature_mode="monitor")) as server:
        service = Monitored(server.port, SignatureDiagnostics(redis_server))
        diagnosis = service.diagnosed(upload(), send.signature(URL))
    assert diagnosis.found is not None and diagnosis.found.covers == "no fields"
