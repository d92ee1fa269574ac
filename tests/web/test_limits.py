"""Rate limits: for each caller, for refusals, with and without Redis."""

from __future__ import annotations

from dataclasses import replace

import pytest

from addon.factory import create_app
from addon.web import limits
from tests.web.documented import DocumentedClient
from tests.web.playing import bearer, link


@pytest.fixture
def make(settings, redis_server, monkeypatch):
    def made(**changes):
        monkeypatch.setattr(limits, "PER_CALLER", "5 per minute")
        monkeypatch.setattr(limits, "REFUSALS", "3 per minute")
        app = create_app(replace(settings, **changes))
        app.test_client_class = DocumentedClient
        return app

    return made


def statuses(client, path: str, headers, count: int) -> list[int]:
    return [client.get(path, headers=headers).status_code for _ in range(count)]


def test_a_caller_who_asks_too_often_is_told_when_to_come_back(make):
    app = make()
    token, client = bearer(app), app.test_client()
    assert statuses(client, "/api/v1/recordings", token, 6) == [200] * 5 + [429]
    answer = client.get("/api/v1/recordings", headers=token)
    assert answer.content_type == "application/problem+json"
    assert 1 <= int(answer.headers["Retry-After"]) <= 61
    assert answer.headers["X-RateLimit-Limit"] == "5"


def test_another_caller_is_not_held_up(make):
    app = make()
    client = app.test_client()
    statuses(client, "/api/v1/recordings", bearer(app), 6)
    assert statuses(client, "/api/v1/recordings", bearer(app), 1) == [200]


def test_all_processes_count_together(make):
    first, second = make(), make()
    token = bearer(first)
    assert statuses(first.test_client(), "/api/v1/recordings", token, 5) == [200] * 5
    assert statuses(second.test_client(), "/api/v1/recordings", token, 1) == [429]


def test_wrong_tokens_are_counted_by_address(make):
    app = make()
    client = app.test_client()
    wrong = [{"Authorization": f"Bearer rec_{n}"} for n in range(5)]
    found = [client.get("/api/v1/recordings", headers=one).status_code for one in wrong]
    assert found == [401, 401, 401, 429, 429]
    elsewhere = wrong[0] | {"X-Forwarded-For": "203.0.113.9"}
    assert client.get("/api/v1/recordings", headers=elsewhere).status_code == 401


def test_links_are_not_counted(make):
    app = make()
    assert statuses(app.test_client(), link(app), {}, 8) == [404] * 8


def test_no_token_is_kept_in_redis(make, redis_server):
    app = make()
    token = bearer(app)
    app.test_client().get("/api/v1/recordings", headers=token)
    keys = b" ".join(redis_server.keys("*"))
    assert b"LIMITS" in keys
    assert token["Authorization"].partition(" ")[2].encode() not in keys


def test_without_redis_the_api_goes_on_and_still_counts(make, tmp_path):
    app = make(redis_url=f"unix://{tmp_path}/nobody.sock")
    token, client = bearer(app), app.test_client()
    assert statuses(client, "/api/v1/recordings", token, 6) == [200] * 5 + [429]


def test_other_blueprints_are_not_counted(make):
    assert statuses(make().test_client(), "/healthz", {}, 10) == [200] * 10
