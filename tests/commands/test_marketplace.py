"""The stand-in for the Marketplace: what it sends, serves and takes."""

from __future__ import annotations

import base64
import json

import pytest
import requests
from twilio.request_validator import RequestValidator
from werkzeug.formparser import parse_form_data
from werkzeug.test import EnvironBuilder

from addon.commands.marketplace import Callback, Marketplace, multipart_body, sign

ACCOUNT, TOKEN = "AC" + 32 * "1", "a-token"


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


@pytest.fixture
def market():
    with Marketplace(ACCOUNT, TOKEN) as market:
        yield market


def test_it_serves_the_recording_of_its_own_invocations_alone(market) -> None:
    exchange, answers = market.invoke(f"{market.origin}/nowhere", b"audio", mode="url")
    assert [answer.status for answer in answers] == [404]
    assert requests.get(f"{market.origin}/media/{exchange.sid}", timeout=10).content == b"audio"
    assert requests.get(f"{market.origin}/media/XR0", timeout=10).status_code == 404


@pytest.mark.parametrize(("password", "right"), [(TOKEN, True), ("another", False)])
def test_a_result_is_kept_with_whether_its_credentials_were_right(market, password, right) -> None:
    exchange, _ = market.invoke(f"{market.origin}/nowhere", b"audio")
    callback = f"{market.origin}/callback/{exchange.sid}"
    requests.post(callback, json={"status": "x"}, auth=(ACCOUNT, password), timeout=10)
    kept = market.wait(exchange, 10)
    assert kept is not None
    assert (kept.authorised, kept.document(), kept.form()) == (right, {"status": "x"}, {})


def test_an_answer_that_was_ordered_is_given_and_the_result_not_kept(market) -> None:
    exchange, _ = market.invoke(f"{market.origin}/nowhere", b"audio")
    market.answers.append(503)
    callback = f"{market.origin}/callback/{exchange.sid}"
    assert requests.post(callback, data=b"{}", timeout=10).status_code == 503
    assert exchange.callbacks == []


def test_a_result_in_a_form_is_read() -> None:
    body, kind = multipart_body({"request_sid": "XR1"}, json.dumps({"a": 1}).encode())
    callback = Callback(body, True, kind, 0.0)
    assert (callback.document(), callback.form()) == ({"a": 1}, {"request_sid": "XR1"})


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


def test_a_stand_in_with_credentials_takes_these_alone(market) -> None:
    market.credentials = "user:password"
    assert market.takes(basic("user:password"))
    for other in (basic(f"{ACCOUNT}:{TOKEN}"), basic("user:other"), None, ""):
        assert not market.takes(other)


def test_one_without_takes_none_and_the_account_s_own(market) -> None:
    assert market.takes(None)
    assert market.takes(basic(f"{ACCOUNT}:{TOKEN}"))
    assert not market.takes(basic(f"{ACCOUNT}:another"))
