"""The handler of Marketplace requests: who is answered, with what, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from addon.errors import CallbackClosed
from addon.requests.request import Request
from addon.twilio.invocation import Invocation
from tests.web.requests import INSTALL, new_sid
from workers.marketplace import GIVE_UP_FLOOR_S, MarketplaceHandler, credentials, style

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


def test_the_installs_credentials_come_before_the_partners(settings):
    changed = settings.replace(callback_credentials={INSTALL: "name:pass:word"})
    own, partner = credentials(changed, INSTALL)
    assert own.header != partner.header
    assert [each.header for each in credentials(settings, INSTALL)] == [partner.header]


def test_an_installs_style_comes_before_the_default(settings):
    changed = settings.replace(callback_style={"": "json", INSTALL: "multipart"})
    assert (style(changed, INSTALL), style(changed, "XD1")) == ("multipart", "json")
