"""`/webhooks` as HTML: what is shown to whom, and who may send an event again."""

from __future__ import annotations

import pytest
from flask import Flask

from addon import redis_keys
from addon.playback.policy import Rights
from addon.webhooks.endpoints import Endpoint
from addon.webhooks.events import Event
from addon.webhooks.outbox import DeliveryName
from addon.webhooks.tries import Try
from tests.web.people import Browser, context_of

INSTALL = "XD" + "1" * 32
OTHER = "XD" + "2" * 32
URL = "https://hooks.example.com/path-with-a-secret"
AT = "2026-11-26T09:00:00.000+00:00"


@pytest.fixture
def settings(settings):
    return settings.replace(webhook_hosts=("hooks.example.com",))


@pytest.fixture
def browser(app: Flask) -> Browser:
    allow(app)
    return Browser(app).signed_in()


def allow(app: Flask, **changes: object) -> None:
    given = {"listen": True, "manage_webhooks": True, "installs": None, **changes}
    context_of(app).policy = lambda claims, settings: Rights(**given)


@pytest.fixture
def endpoint(app: Flask) -> Endpoint:
    """An endpoint with an event that was not taken."""
    made = context_of(app).outbox.endpoints.create(INSTALL, URL, label="CRM <b>")
    told(app, made)
    return made


def told(app: Flask, endpoint: Endpoint, event_id: str = "msg_1") -> None:
    outbox = context_of(app).outbox
    event = Event(event_id, "recording.ready", endpoint.install, "RE1", AT, {})
    for name in outbox.promise(event):
        outbox.settle(DeliveryName.parse(name))
    reason = "It answered 500."
    one = Try(event_id, "recording.ready", "RE1", AT, "given up", 10, 0.4, 500, reason)
    context_of(app).webhook_tries.add(endpoint.id, one)


def send_path(endpoint: Endpoint, event_id: str = "msg_1") -> str:
    return f"/webhooks/{endpoint.install}/{endpoint.id}/{event_id}/send"


def test_endpoints_and_tries_are_shown_and_no_secret(browser, endpoint):
    page = browser.get("/webhooks")
    assert page.status_code == 200
    for said in ("CRM &lt;b&gt;", "hooks.example.com", "Answer 500", "Given up", "try 10", "RE1"):
        assert said in page.text
    assert endpoint.secret not in page.text
    assert "path-with-a-secret" not in page.text


def test_an_endpoint_that_was_disabled_says_why(app, browser, endpoint):
    endpoints = context_of(app).outbox.endpoints
    from datetime import UTC, datetime

    known = endpoints.get(INSTALL, endpoint.id)
    reason = "It answered 410: it wants no more events."
    endpoints.failed(known, reason, for_good=True, tries=1, now=datetime.now(UTC))
    page = browser.get("/webhooks").text
    assert reason in page
    assert "Disabled" in page
    assert "Send again" not in page


def test_nobody_who_is_not_signed_in_sees_anything(app, endpoint):
    answer = Browser(app).get("/webhooks")
    assert answer.status_code == 302
    assert "/login" in answer.headers["Location"]
    assert Browser(app).post(send_path(endpoint)).status_code == 401


def test_a_person_sees_their_installs_alone(app, browser, endpoint):
    theirs = context_of(app).outbox.endpoints.create(OTHER, URL, label="Theirs")
    told(app, theirs, "msg_2")
    allow(app, installs=frozenset({INSTALL}))
    page = browser.get("/webhooks").text
    assert "CRM" in page
    assert "Theirs" not in page and OTHER not in page and "msg_2" not in page
    assert browser.get(f"/webhooks?install={OTHER}").status_code == 404
    assert browser.post(send_path(theirs, "msg_2")).status_code == 404
    # Another install's event to one's own endpoint, and one's own event to another's.
    assert browser.post(send_path(endpoint, "msg_2")).status_code == 404
    mixed = f"/webhooks/{INSTALL}/{theirs.id}/msg_1/send"
    assert browser.post(mixed).status_code == 404
    assert list(context_of(app).outbox.pending()) == []


def test_an_event_is_sent_again_as_the_same_event(app, browser, endpoint, redis_server):
    answer = browser.post(send_path(endpoint), headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303
    (name,) = context_of(app).outbox.pending()
    assert name == f"msg_1-{endpoint.id}"
    assert redis_server.zscore(redis_keys.WEBHOOKS_OPEN, name) is not None
    assert "is being sent again" in browser.get(answer.headers["Location"]).text


def test_sending_again_takes_the_right_to(app, browser, endpoint):
    allow(app, manage_webhooks=False)
    assert "Send again" not in browser.get("/webhooks").text
    assert browser.post(send_path(endpoint)).status_code == 403
    assert list(context_of(app).outbox.pending()) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://other.example.net"},
    ],
    ids=str,
)
def test_a_form_of_another_site_sends_nothing(app, browser, endpoint, headers):
    assert browser.post(send_path(endpoint), headers=headers).status_code == 403
    assert list(context_of(app).outbox.pending()) == []


def test_reading_the_address_sends_nothing(app, browser, endpoint):
    assert browser.get(send_path(endpoint)).status_code == 405
    assert list(context_of(app).outbox.pending()) == []


@pytest.mark.parametrize("event_id", ["msg_9", "..", "%2e%2e", "a%2fb", "x" * 90, "%00"])
def test_an_event_that_is_not_there_is_404(browser, endpoint, event_id):
    assert browser.post(send_path(endpoint, event_id)).status_code == 404


def test_without_redis_tries_are_not_shown_and_the_page_is(app, browser, endpoint, monkeypatch):
    from addon.errors import QueueUnavailable

    def away(*_: object) -> None:
        raise QueueUnavailable("Redis does not answer")

    monkeypatch.setattr(context_of(app).webhook_tries, "latest", away)
    page = browser.get("/webhooks")
    assert page.status_code == 200
    assert "cannot be shown just now" in page.text


def test_where_no_hosts_are_named_the_page_says_so(app, browser, monkeypatch):
    assert "flask webhooks create" in browser.get("/webhooks").text
    monkeypatch.setattr(context_of(app).outbox.endpoints, "is_offered", False)
    assert "WEBHOOK_HOSTS" in browser.get("/webhooks").text


def test_it_has_the_headers_of_every_page(browser):
    answer = browser.get("/webhooks")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
