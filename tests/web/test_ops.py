"""Health, readiness and metrics: what they say, and to whom."""

from __future__ import annotations

import pytest

from addon.errors import StoreUnavailable
from addon.factory import create_app
from addon.requests.admission import AdmissionControl
from tests.calls import wav
from tests.metrics.test_exposition import samples
from tests.web import requests as send
from tests.web.playing import inside

TOKEN = "a-metrics-token-for-tests"


@pytest.fixture
def guarded(settings, redis_server):
    return create_app(settings.replace(metrics_token=TOKEN)).test_client()


def scraped(client) -> dict:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return samples(answer.data)


def test_a_scraper_on_this_machine_needs_no_token(client):
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"


FORWARDED = ["Forwarded", "Via", "X-Real-IP"] + [
    f"X-Forwarded-{name}" for name in ("For", "Host", "Proto", "Port", "Server", "Prefix", "New")
]


@pytest.mark.parametrize("header", FORWARDED)
def test_what_came_through_a_proxy_does(client, header):
    answer = client.get("/metrics", headers={header: "127.0.0.1"})
    assert answer.status_code == 401
    assert "METRICS_TOKEN" in answer.get_json()["remedy"]


def test_where_a_proxy_is_trusted_every_request_may_have_come_through_it(settings, redis_server):
    """A proxy that sets no header looks like a scraper on this machine."""
    proxied = create_app(settings.replace(trusted_proxies=1)).test_client()
    assert proxied.get("/metrics").status_code == 401


@pytest.mark.parametrize("header", FORWARDED)
def test_with_a_token_what_came_through_a_proxy_shows_it(guarded, header):
    headers = {header: "127.0.0.1"}
    assert guarded.get("/metrics", headers=headers).status_code == 401
    right = headers | {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.get("/metrics", headers=right).status_code == 200


def test_another_machine_does(client):
    environ = {"REMOTE_ADDR": "198.51.100.7"}
    assert client.get("/metrics", environ_overrides=environ).status_code == 401


def test_with_a_token_only_the_token_counts(guarded):
    assert guarded.get("/metrics").status_code == 401
    for wrong in ("", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ü"):
        assert guarded.get("/metrics", headers={"Authorization": wrong}).status_code == 401
    environ = {"REMOTE_ADDR": "198.51.100.7"}
    right = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "198.51.100.7"}
    answer = guarded.get("/metrics", headers=right, environ_overrides=environ)
    assert answer.status_code == 200


def test_accepted_duplicate_and_refused_requests_show(client):
    sid = send.new_sid()
    send.first_sample(wav(1.0)).post(client, sid)
    send.first_sample(wav(1.0)).post(client, sid)
    client.post("/recording-analysis", data={"a": "b"})
    found = scraped(client)
    assert found["addon_requests_accepted_total", (("source", "marketplace"),)] == 1
    assert found["addon_duplicates_total", ()] == 1
    assert found["addon_rejections_total", (("reason", "Forged"),)] == 1
    assert found["addon_requests_open", ()] == 1
    assert found["addon_failures_waiting", ()] == 0
    assert found["addon_lane_depth", (("lane", "express"),)] == 1
    assert found["addon_lane_depth", (("lane", "qlong"),)] == 0


@pytest.mark.parametrize(("room", "shown"), [(True, 1), (False, 0)])
def test_it_shows_whether_new_requests_are_accepted(client, monkeypatch, room, shown):
    monkeypatch.setattr(AdmissionControl, "has_room", lambda _: room)
    found = scraped(client)
    assert found["addon_accepting", ()] == shown
    assert found["addon_redis_memory_bytes", ()] > 0
    assert found["addon_redis_memory_limit_bytes", ()] == 0


def test_no_metric_names_a_request_or_an_install(client):
    sid = send.new_sid()
    send.first_sample(wav(1.0)).post(client, sid)
    text = client.get("/metrics").text
    assert sid not in text
    assert send.INSTALL not in text


def test_without_redis_it_says_so(settings, tmp_path):
    away = settings.replace(redis_url=f"unix://{tmp_path}/nobody.sock")
    assert create_app(away).test_client().get("/metrics").status_code == 503


def test_a_process_that_answers_is_alive(client):
    assert client.get("/healthz").get_json() == {"status": "alive"}


def test_it_is_ready_when_an_invocation_could_be_accepted(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ready", "missing": []})


def test_what_is_missing_for_it_is_named(app, client, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(inside(app).store, "put", away)
    monkeypatch.setattr(inside(app).dispatcher.admission, "has_room", lambda: False)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["status"]) == (503, "waiting")
    assert answer.get_json()["missing"] == ["store", "room in Redis"]
