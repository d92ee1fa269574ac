"""Notifications of RingCentral: answered at once, and believed in nothing."""

from __future__ import annotations

import json

import pytest

from addon.factory import create_app
from addon.ringcentral.notifications import MAX_BODY, Notifications
from tests.browser.stand import served
from tests.ringcentral.conftest import rc_settings, standin
from tests.ringcentral.standin import shake as shake_over_http
from workers.ringcentral_poll import subscribe
from workers.services import Services

__all__ = ["rc_settings", "standin"]

WEBHOOK = "/ringcentral/webhook"
TOKEN = {"Verification-Token": "webhook-token-1"}
ENDED = {
    "uuid": "u-1",
    "event": "/restapi/v1.0/account/400123456/telephony/sessions",
    "body": {"telephonySessionId": "s-1", "parties": [{"status": {"code": "Disconnected"}}]},
}


@pytest.fixture
def client(rc_settings, redis_server):
    return create_app(rc_settings).test_client()


@pytest.fixture
def notifications(redis_server):
    return Notifications(redis_server)


def shake(client, text="hand-1", **options):
    return client.post(WEBHOOK, headers={"Validation-Token": text}, **options)


def test_an_expected_handshake_is_echoed(client, notifications):
    with notifications.expected_handshake():
        answer = shake(client)
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Validation-Token"] == "hand-1"
    assert answer.content_type == "application/json"


def test_nobody_elses_handshake_is_echoed(client, notifications):
    answer = shake(client)
    assert answer.status_code == 403
    assert "Validation-Token" not in answer.headers
    with notifications.expected_handshake():
        pass
    assert shake(client).status_code == 403


def test_a_handshake_has_no_body(client, notifications):
    with notifications.expected_handshake():
        assert shake(client, data=b"{}").status_code == 403


def test_handshakes_are_few(client, notifications):
    with notifications.expected_handshake():
        answers = [shake(client) for _ in range(8)]
    assert [each.status_code for each in answers] == [200] * 5 + [503] * 3
    assert "Validation-Token" not in answers[-1].headers


@pytest.mark.parametrize("name", ["Verification-Token", "Validation-Token"])
def test_a_notification_under_either_header_is_noted(client, notifications, name):
    answer = client.post(WEBHOOK, json=ENDED, headers={name: "webhook-token-1"})
    assert (answer.status_code, answer.data) == (200, b"")
    assert notifications.watched() == ["s-1"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Verification-Token": ""},
        {"Verification-Token": "webhook-token-"},
        {"Verification-Token": "webhook-token-11"},
        {"Validation-Token": "wrong"},
        {"Authorization": "Bearer webhook-token-1"},
    ],
)
def test_without_our_token_nothing_is_noted(client, notifications, headers):
    assert client.post(WEBHOOK, json=ENDED, headers=headers).status_code == 403
    assert notifications.watched() == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff\x00", b"[" * 50_000, b"x" * (MAX_BODY + 10), b'{"body":7}']
)
def test_whatever_it_says_our_token_is_answered_200(client, notifications, body):
    """Any other answer would suspend the subscription, perhaps for good."""
    assert client.post(WEBHOOK, data=body, headers=TOKEN).status_code == 200
    assert notifications.watched() == []


def test_the_same_notification_is_one_hint(client, notifications):
    for _ in range(5):
        client.post(WEBHOOK, json=ENDED, headers=TOKEN)
    assert notifications.watched() == ["s-1"]


def test_redis_away_changes_nothing_for_ringcentral(rc_settings):
    client = create_app(rc_settings.replace(redis_url="redis://127.0.0.1:1/0")).test_client()
    assert client.post(WEBHOOK, data=json.dumps(ENDED), headers=TOKEN).status_code == 200
    assert shake(client).status_code == 503


def test_without_a_token_of_our_own_there_is_no_webhook(rc_settings, redis_server):
    client = create_app(rc_settings.replace(ringcentral_webhook_token=None)).test_client()
    assert client.post(WEBHOOK, json=ENDED, headers=TOKEN).status_code == 404


def test_a_subscription_is_made_with_a_handshake_over_http(rc_settings, standin, redis_server):
    with served(rc_settings) as settings:
        standin.on_subscribe = lambda address: shake_over_http(address) == (200, "hand-1")
        services = Services.from_settings(settings.for_worker())
        with services.redis:
            assert subscribe(services).active
        (made,) = standin.subscriptions.values()
        address = made["deliveryMode"]["address"]
        assert address == f"{settings.public_url}{WEBHOOK}"
        assert shake_over_http(address) == (403, None)


def test_it_is_posted_to(client):
    assert client.get(WEBHOOK).status_code == 405
