"""The handler of Marketplace requests: who is answered, with what, and for how long."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from addon.commands.marketplace import Exchange
from addon.errors import CallbackClosed, SettingsError
from addon.requests.request import Request
from addon.twilio.invocation import Invocation
from tests.outbound.keeping import keeping
from tests.outbound.loopback import Answer, Loopback
from tests.web.requests import INSTALL, new_sid
from workers import marketplace
from workers.marketplace import (
    GIVE_UP_FLOOR_S,
    MarketplaceHandler,
    check_hosts,
    credentials,
    style,
)

HANDLER = MarketplaceHandler()


def request(callback: str, age: timedelta = timedelta(0)) -> Request:
    return Request.marketplace(
        Invocation(
            request_sid=new_sid(),
            received_at=datetime.now(UTC) - age,
            install=INSTALL,
            callback=callback,
            has_audio=True,
        )
    )


def test_the_request_is_made_again_from_its_own_document():
    one = request("https://callbacks.example.com/1")
    assert HANDLER.read(one.document) == one


def test_without_a_callback_nobody_is_told(settings):
    assert HANDLER.send(settings, request(""), {"code": None}) == "skipped"
    assert HANDLER.host(settings, request("")) == ""


def test_a_callback_elsewhere_gets_nothing_and_has_no_host(settings):
    elsewhere = request("https://evil.example.com/steal")
    assert HANDLER.host(settings, elsewhere) == ""
    with pytest.raises(CallbackClosed):
        HANDLER.send(settings, elsewhere, {"code": None})


def test_the_host_is_the_callbacks_origin(settings, market):
    assert HANDLER.host(settings, request(f"{market.origin}/callback/1")) == market.origin


@pytest.mark.parametrize(("seconds", "after"), [(3.0, GIVE_UP_FLOOR_S), (3600.0, 36_000.0)])
def test_an_answer_is_given_up_with_twilios_deadline_and_no_sooner_than_the_floor(seconds, after):
    one = request("https://callbacks.example.com/1")
    assert HANDLER.give_up_at(one, seconds) == one.received_at.timestamp() + after


TWILIO = ["https://twilio.com/x", "https://api.twilio.com/x", "https://A.b.TWILIO.com:443/x"]
NOT_TWILIO = [
    "http://api.twilio.com/x",
    "http://twilio.com:443/x",
    "https://api.twilio.com:8443/x",
    "https://api.twilio.com.evil.example/x",
    "https://eviltwilio.com/x",
    "https://evil.example/twilio.com",
    "https://evil.example/?.twilio.com",
    "https://api.twilio.com@evil.example/x",
    "https://evil.example#.twilio.com",
    "https://hooks.example.com/x",
    "https://127.0.0.1/x",
    "https://[::1]/x",
    "http://127.0.0.1:8081/x",
    "https://api.twilio.com./x",
    "nonsense",
]


def given(settings, url, **pairs):
    """The pairs that a callback gets, as user:password."""
    changed = settings.replace(callback_credentials=pairs)
    found = credentials(changed, INSTALL, url)
    return [f"{each.username}:{each.password}" for each in found]


@pytest.mark.parametrize("url", TWILIO)
def test_twilios_own_hosts_get_the_accounts_credentials_after_the_installs(settings, url):
    account = f"{settings.twilio_account_sid}:{settings.twilio_auth_token}"
    assert given(settings, url) == [account]
    assert given(settings, url, **{INSTALL: "name:pass:word"}) == ["name:pass:word", account]


@pytest.mark.parametrize("url", NOT_TWILIO)
def test_the_accounts_auth_token_goes_to_no_other_place(settings, url):
    assert given(settings, url) == []
    everywhere = {INSTALL: "a:b", "hooks.example.com": "c:d", "http://127.0.0.1:8081": "e:f"}
    assert settings.twilio_auth_token not in " ".join(given(settings, url, **everywhere))


def test_a_host_has_its_own_pair_after_the_installs_and_no_other_host_gets_it(settings):
    pairs = {"hooks.example.com": "host:pair", INSTALL: "install:pair", "XD2": "other:pair"}
    assert given(settings, "https://hooks.example.com/x", **pairs) == ["install:pair", "host:pair"]
    for other in ("https://hooks.example.com:8443/x", "https://a.hooks.example.com/x"):
        assert given(settings, other, **pairs) == ["install:pair"]


def test_over_http_goes_only_a_pair_whose_entry_names_that_origin(settings):
    pairs = {INSTALL: "install:pair", "http://127.0.0.1:8081": "stand-in:pair"}
    assert given(settings, "http://127.0.0.1:8081/x", **pairs) == ["stand-in:pair"]
    assert given(settings, "http://127.0.0.1:8082/x", **pairs) == []
    assert given(settings, "http://hooks.example.com/x", **{"hooks.example.com": "a:b"}) == []


@pytest.mark.parametrize("entry", ["XE1", "somewhere", "http://host/path", "*.com"])
def test_an_entry_that_is_no_install_and_no_host_is_named(settings, entry):
    with pytest.raises(SettingsError, match="CALLBACK_CREDENTIALS"):
        check_hosts(settings.replace(callback_credentials={entry: "a:b"}))


def test_a_callback_without_credentials_is_posted_to_without_any(settings, market):
    market.credentials, market.auth_token = None, "another"
    exchange = market.exchanges["XR1"] = Exchange("XR1", b"")
    bare = settings.replace(callback_credentials={})
    assert HANDLER.send(bare, request(f"{market.origin}/callback/XR1"), {"code": None})
    assert exchange.callbacks[0].authorised, "an Authorization header came along"


def test_results_share_a_connection_in_a_process_that_keeps_them(settings, monkeypatch):
    monkeypatch.setattr(marketplace, "_kept", None)
    marketplace.keep_connections()
    serving = []

    def taken(_request: object) -> Answer:
        serving.append(threading.current_thread())
        return Answer(204)

    with Loopback().running() as host, keeping(marketplace._kept):
        host.otherwise = taken
        own = settings.replace(callback_hosts=(host.origin,))
        for number in range(2):
            HANDLER.send(own, request(host.url(f"/{number}")), {"code": None})
    assert len(serving) == 2
    assert len(set(serving)) == 1


def test_an_installs_style_comes_before_the_default(settings):
    changed = settings.replace(callback_style={"": "json", INSTALL: "multipart"})
    assert (style(changed, INSTALL), style(changed, "XD1")) == ("multipart", "json")
