"""Headers of a try, as Standard Webhooks has them; tests/workers/test_webhooks.py sends."""

from __future__ import annotations

from datetime import UTC, datetime

from standardwebhooks import Webhook

from addon.webhooks import sending
from addon.webhooks.endpoints import Endpoint
from addon.webhooks.events import Event

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT = Event("msg_1", "recording.ready", "XD1", "RE1", "2026-11-26T09:00:00.000+00:00", {"a": 1})


def now() -> datetime:
    """Asked in each test: a receiver refuses what is five minutes old, and a run is longer."""
    return datetime.now(UTC)


def endpoint(**changes: str) -> Endpoint:
    values = {"id": "whk_1", "install": "XD1", "url": "https://hooks.example.com/", **changes}
    return Endpoint(**values, events=(EVENT.type,), secret=SECRET, created_at="")


def test_the_library_of_a_receiver_verifies_it():
    moment = now()
    headers = sending.headers(EVENT, endpoint(), moment)
    assert Webhook(SECRET).verify(EVENT.body, headers) == {
        "type": EVENT.type,
        "timestamp": EVENT.occurred_at,
        "data": {"a": 1},
    }
    assert headers["webhook-id"] == "msg_1"
    assert headers["webhook-timestamp"] == str(int(moment.timestamp()))


def test_the_example_of_standard_webhooks_has_its_signature():
    """From the specification's own test vector."""
    moment = datetime.fromtimestamp(1614265330, UTC)
    signed = Webhook(SECRET).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", moment, '{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_any_2xx_is_taken_and_410_is_gone():
    assert all(sending._answer(status, None).taken for status in (200, 201, 204, 299))
    refused = [sending._answer(status, None) for status in (100, 302, 400, 404, 410, 500)]
    assert not any(one.taken for one in refused)
    assert all(one.reason for one in refused)
    assert [one.is_gone for one in refused] == [False, False, False, False, True, False]
