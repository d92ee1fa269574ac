"""The stand-in for the Marketplace: what it sends, serves and takes."""

from __future__ import annotations

import base64
import json

import pytest
import requests

from addon.commands.marketplace import Callback, Marketplace, Reaction
from addon.commands.sending import multipart_body

ACCOUNT, TOKEN = "AC" + 32 * "1", "a-token"


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


def test_callbacks_get_the_reactions_of_their_exchange_and_then_are_taken(market) -> None:
    exchange, _ = market.invoke(f"{market.origin}/nowhere", b"audio")
    exchange.reactions += [Reaction(None), Reaction(307, location="/elsewhere"), Reaction(500)]
    callback = f"{market.origin}/callback/{exchange.sid}?x=1&y=%2F"
    with pytest.raises(requests.ConnectionError):
        requests.post(callback, data=b"1", timeout=10)
    statuses = [
        requests.post(callback, data=b"2", timeout=10, allow_redirects=False).status_code
        for _ in range(3)
    ]
    assert statuses == [307, 500, 200]
    assert [post.status for post in exchange.posts] == [None, 307, 500, 200]
    assert [post.body for post in exchange.callbacks] == [b"2"]
    assert exchange.posts[0].path == f"/callback/{exchange.sid}?x=1&y=%2F"


def test_a_result_in_chunks_is_read(market) -> None:
    exchange, _ = market.invoke(f"{market.origin}/nowhere", b"audio")
    callback = f"{market.origin}/callback/{exchange.sid}"
    requests.post(callback, data=iter([b"{}", b" "]), timeout=10)
    assert exchange.callbacks[0].body == b"{} "


def test_one_behind_a_proxy_calls_itself_by_the_proxy_s_address() -> None:
    with Marketplace(ACCOUNT, TOKEN, address="https://tunnel.example/me/") as market:
        exchange = market.exchange(b"audio", "XR1")
        assert market.media_url(exchange) == "https://tunnel.example/me/media/XR1"
        port = market._server.server_address[1]
        behind = f"http://127.0.0.1:{port}/me/media/XR1"
        assert requests.get(behind, timeout=10).content == b"audio"
        assert (exchange.fetches, market.was_called) == (1, False)
        requests.post(behind.replace("media", "callback"), data=b"{}", timeout=10)
        assert market.was_called
