"""Notifications: who may have sent one, and the little that is taken from it."""

from __future__ import annotations

import json

import pytest

from addon.errors import QueueUnavailable
from addon.ringcentral.notifications import (
    WATCH_S,
    Notifications,
    ended_call,
    handshake,
    is_genuine,
)


@pytest.fixture
def notifications(redis_server, clock):
    return Notifications(redis_server, clock)


@pytest.mark.parametrize("name", ["Verification-Token", "Validation-Token"])
def test_our_token_is_taken_under_either_name(name):
    assert is_genuine({name: "right"}, "right")
    assert not is_genuine({name: "wrong"}, "right")
    assert not is_genuine({name: "right "}, "right")


@pytest.mark.parametrize("headers", [{}, {"Verification-Token": ""}, {"Authorization": "right"}])
def test_without_our_token_nothing_is_genuine(headers):
    assert not is_genuine(headers, "right")


@pytest.mark.parametrize("expected", [None, ""])
def test_without_a_token_of_our_own_nothing_is_genuine(expected):
    assert not is_genuine({"Verification-Token": ""}, expected)
    assert not is_genuine({"Verification-Token": "None"}, expected)


def test_a_handshake_has_its_text_and_no_body():
    assert handshake({"Validation-Token": "abc"}, has_body=False) == "abc"
    assert handshake({"Validation-Token": "abc"}, has_body=True) is None
    assert handshake({}, has_body=False) is None
    assert handshake({"Verification-Token": "abc"}, has_body=False) is None


@pytest.mark.parametrize("text", ["", "a b", "a\tb", "é", "x" * 1025])
def test_a_text_that_is_no_token_is_not_echoed(text):
    assert handshake({"Validation-Token": text}, has_body=False) is None


def envelope(*codes, session="s-a1b2"):
    parties = [{"id": "p", "status": {"code": code, "rcc": False}} for code in codes]
    return json.dumps({"uuid": "u", "body": {"telephonySessionId": session, "parties": parties}})


def test_the_call_is_taken_from_the_envelope_once_somebody_hung_up():
    assert ended_call(envelope("Answered", "Disconnected").encode()) == "s-a1b2"
    assert ended_call(envelope("Setup", "Proceeding").encode()) is None
    assert ended_call(envelope().encode()) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"\xff",
        b'{"body": []}',
        b'{"body": {"telephonySessionId": "s-1"}}',
        b'{"body": {"telephonySessionId": "s-1", "parties": [{}]}}',
        b'{"body": {"telephonySessionId": "s-1", "parties": 7}}',
        envelope("Disconnected", session=7).encode(),
        envelope("Disconnected", session="../x").encode(),
        envelope("Disconnected", session="").encode(),
    ],
)
def test_an_envelope_without_a_call_names_none(body):
    assert ended_call(body) is None


def test_a_call_is_watched_once_however_often_it_is_told(notifications, clock):
    for call in ("s-1", "s-2", "s-1"):
        notifications.watch(call)
        clock.now += 1
    assert notifications.watched() == ["s-2", "s-1"]
    clock.now += WATCH_S - 2
    assert notifications.watched() == ["s-1"]
    clock.now += 2
    assert notifications.watched() == []


def test_more_calls_than_can_be_watched_are_dropped(notifications, monkeypatch, clock):
    monkeypatch.setattr("addon.ringcentral.notifications.MAX_WATCHED", 3)
    for number in range(5):
        clock.now += 1
        notifications.watch(f"s-{number}")
    assert notifications.watched() == ["s-2", "s-3", "s-4"]


def test_a_handshake_is_expected_only_meanwhile(notifications):
    assert not notifications.expects_handshake()
    with notifications.expected_handshake():
        assert notifications.expects_handshake()
    assert not notifications.expects_handshake()


def test_without_redis_the_queue_is_unavailable(no_redis):
    with pytest.raises(QueueUnavailable):
        Notifications(no_redis).watch("s-1")
