"""Requests as the Marketplace sends them: each shape, its signature, and sending in pieces."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from twilio.request_validator import RequestValidator
from urllib3.exceptions import HTTPError
from werkzeug.formparser import parse_form_data
from werkzeug.test import EnvironBuilder

from addon.commands.sending import NAMES, Shaper, multipart_body, send, sign
from tests.outbound.authority import contexts
from tests.outbound.loopback import Answer, Loopback

TOKEN = "a-token"
TO = "https://service.example/hook?a=1"


def test_a_signature_is_the_one_that_twilio_s_own_library_makes() -> None:
    fields = {"callback": "https://x/ä", "b": "2", "a": ""}
    expected = RequestValidator(TOKEN).compute_signature("https://x/y?z=1", fields)
    assert sign(TOKEN, "https://x/y?z=1", fields) == expected


def test_a_form_is_read_back_by_another_library() -> None:
    body, kind = multipart_body({"callback": "https://x"}, b"\r\n--audio--\0")
    environ = EnvironBuilder(method="POST", data=body, content_type=kind).get_environ()
    _, form, files = parse_form_data(environ)
    assert form.to_dict() == {"callback": "https://x"}
    assert files["audio-data"].read() == b"\r\n--audio--\0"
    assert files["audio-data"].content_type == "audio/x-wav"


def test_each_shape_is_signed_as_twilio_s_own_library_would() -> None:
    names = {**NAMES, "audio": "recording", "audio_url": "link"}
    shaper, fields = Shaper(TOKEN, names), {"cb": "https://x"}
    valid = RequestValidator(TOKEN).validate
    form = shaper.prepared(TO, "multipart", fields, b"audio", "https://media")
    assert b'name="recording"' in form.body
    assert valid(form.url, fields, form.headers["X-Twilio-Signature"])
    by_url = shaper.prepared(TO, "url", fields, b"audio", "https://media")
    sent = {name: values[0] for name, values in parse_qs(by_url.body.decode()).items()}
    assert sent == {**fields, "link": "https://media"}
    assert valid(by_url.url, sent, by_url.headers["X-Twilio-Signature"])
    as_json = shaper.prepared(TO, "json", fields, b"audio", "https://media")
    assert json.loads(as_json.body) == sent
    signature = as_json.headers["X-Twilio-Signature"]
    assert valid(as_json.url, as_json.body.decode(), signature)


def test_headers_are_changed_and_left_out() -> None:
    request = Shaper(TOKEN).prepared(TO, "url", {}, b"", "https://media")
    changed = request.with_headers(X_Twilio_Signature=None, X_New="1")
    assert set(changed.headers) == {"Content-Type", "X-New"}


def test_a_body_is_sent_in_pieces_and_may_break_off() -> None:
    def broken():
        yield b"half"
        raise ConnectionAbortedError

    with Loopback().running() as host:
        host.on("/hook", Answer(302, b"moved", {"Location": "/elsewhere"}))
        request = Shaper(TOKEN).prepared(host.url("/hook"), "url", {}, b"", "https://m")
        pieces = [request.body[:3], request.body[3:]]
        answer = send(request, pieces=pieces)
        assert (answer.status, answer.body, answer.headers["Location"]) == (
            302,
            b"moved",
            "/elsewhere",
        )
        assert host.requests[0].body == request.body
        with pytest.raises((HTTPError, ConnectionAbortedError)):
            send(request, pieces=broken())
    assert "content-length" in host.requests[0].headers


def test_a_service_is_trusted_by_the_authorities_that_are_given(tmp_path: Path) -> None:
    server, _ = contexts(tmp_path, "localhost")
    with Loopback(tls=server).running() as host:
        host.on("/hook", Answer(202))
        url = host.url("/hook", host="localhost")
        request = Shaper(TOKEN).prepared(url, "url", {}, b"", "https://m")
        assert send(request, ca=str(tmp_path / "localhost.pem")).status == 202
        with pytest.raises(HTTPError):
            send(request)
