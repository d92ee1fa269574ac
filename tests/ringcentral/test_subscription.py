"""Exactly one active subscription, whatever became of the earlier ones."""

from __future__ import annotations

import json

import pytest

from addon.errors import RingCentralUnavailable
from addon.ringcentral.notifications import Notifications
from addon.ringcentral.subscription import EXPIRES_S, Subscriptions

PUBLIC_URL = "https://hooks.example.net"
ADDRESS = PUBLIC_URL + "/ringcentral/webhook"


@pytest.fixture
def notifications(redis_server):
    return Notifications(redis_server)


@pytest.fixture
def subscriptions(api, notifications):
    return Subscriptions(api, notifications, public_url=PUBLIC_URL, token="webhook-token-1")


def kept(standin, name, status="Active", address=ADDRESS):
    standin.subscriptions[name] = {
        "id": name,
        "status": status,
        "deliveryMode": {"address": address},
    }


def test_the_first_is_made_while_its_handshake_is_expected(
    subscriptions, caller, standin, notifications
):
    seen = []

    def shaken(address):
        seen.append((address, notifications.expects_handshake()))
        return True

    standin.on_subscribe = shaken
    assert subscriptions.ensure(caller).active
    assert seen == [(ADDRESS, True)]
    assert not notifications.expects_handshake()
    made = json.loads(standin.host.requests[-1].body)
    assert made["eventFilters"] == [
        "/restapi/v1.0/account/~/telephony/sessions?withRecordings=true"
    ]
    assert made["deliveryMode"] == {
        "transportType": "WebHook",
        "address": ADDRESS,
        "verificationToken": "webhook-token-1",
    }
    assert made["expiresIn"] == EXPIRES_S


def test_a_failed_handshake_leaves_nothing_pending(subscriptions, caller, standin, notifications):
    standin.on_subscribe = lambda _address: False
    with pytest.raises(RingCentralUnavailable):
        subscriptions.ensure(caller)
    assert not notifications.expects_handshake()
    assert standin.subscriptions == {}


def test_an_active_one_is_prolonged(subscriptions, caller, standin):
    kept(standin, "a")
    assert subscriptions.ensure(caller).id == "a"
    assert standin.subscriptions["a"]["renewed"]
    assert len(standin.subscriptions) == 1


@pytest.mark.parametrize("status", ["Suspended", "Blacklisted", "", "Expired"])
def test_a_suspended_one_is_replaced(subscriptions, caller, standin, status):
    kept(standin, "a", status)
    made = subscriptions.ensure(caller)
    assert made.active and made.id != "a"
    assert list(standin.subscriptions) == [made.id]


def test_of_several_one_is_left(subscriptions, caller, standin):
    for name, status in (("a", "Suspended"), ("b", "Active"), ("c", "Active")):
        kept(standin, name, status)
    assert subscriptions.ensure(caller).id == "b"
    assert list(standin.subscriptions) == ["b"]


def test_those_of_others_are_left_alone(subscriptions, caller, standin):
    kept(standin, "other", "Suspended", "https://else.example/hook")
    standin.subscriptions["odd"] = {"id": "odd"}
    made = subscriptions.ensure(caller)
    assert set(standin.subscriptions) == {"other", "odd", made.id}
    assert [each.id for each in subscriptions.ours(caller)] == [made.id]
