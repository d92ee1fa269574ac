"""Rate limits: for each caller, for refusals, with and without Redis."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from addon.factory import create_app
from addon.twilio.flex_tokens import FlexUser
from addon.web import limits
from tests.web.documented import DocumentedClient
from tests.web.people import context_of
from tests.web.playing import bearer, link


@pytest.fixture
def make(settings, redis_server, monkeypatch):
    def made(**changes):
        monkeypatch.setattr(limits, "PER_CALLER", "5 per minute")
        monkeypatch.setattr(limits, "REFUSALS", "3 per minute")
        app = create_app(settings.replace(**changes))
        app.test_client_class = DocumentedClient
        return app

    return made


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


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


def test_all_that_a_caller_asks_of_the_api_counts_together(make):
    app = make()
    token, client = bearer(app), app.test_client()
    paths = ["/api/v1/recordings", "/api/v1/recordings/RE1", "/api/v1/calls/CA1"] * 2
    found = [client.get(path, headers=token).status_code for path in paths]
    assert found == [200, 404, 404, 200, 404, 429]


def test_wrong_tokens_count_together_wherever_they_are_tried(make):
    client, wrong = make().test_client(), {"Authorization": "Bearer rec_1"}
    paths = ["/api/v1/recordings", "/api/v1/recordings/RE1"] * 2
    assert [client.get(path, headers=wrong).status_code for path in paths] == [401, 401, 401, 429]


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
    elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    answer = client.get("/api/v1/recordings", headers=wrong[0], environ_overrides=elsewhere)
    assert answer.status_code == 401


def refused(app, count: int = 5, **environ: str) -> list[int]:
    """What so many wrong tokens are answered from one address."""
    client = app.test_client()
    return [
        client.get(
            "/api/v1/recordings",
            headers={"Authorization": f"Bearer rec_{number}"},
            environ_overrides=environ,
        ).status_code
        for number in range(count)
    ]


def test_wrong_tokens_from_an_address_do_not_lock_out_a_valid_one(make):
    app = make()
    assert refused(app)[-1] == 429
    assert statuses(app.test_client(), "/api/v1/recordings", bearer(app), 5) == [200] * 5


def test_refusals_of_a_valid_token_count_for_nobody_else(make):
    app = make()
    token, client = bearer(app, "XD" + "1" * 32), app.test_client()
    found = statuses(client, "/api/v1/recordings?install=XD" + "2" * 32, token, 5)
    assert set(found) <= {403, 404}
    assert refused(app, 1) == [401]


@pytest.mark.parametrize("blanks", ["{0}", " {0}", "{0} ", "  {0}  "])
def test_blanks_around_a_token_are_not_another_token(make, blanks):
    app = make()
    token, client = bearer(app), app.test_client()
    text = token["Authorization"].removeprefix("Bearer ")
    assert statuses(client, "/api/v1/recordings", token, 5) == [200] * 5
    padded = {"Authorization": f"Bearer {blanks.format(text)}"}
    assert statuses(client, "/api/v1/recordings", padded, 1) == [429]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer  "},
        {"Authorization": "Basic eA=="},
        {"Authorization": "Bearer rec_" + "a" * 43},
        {"Authorization": "Bearer " + "a" * 3000},
    ],
)
def test_without_a_valid_token_the_address_counts_whatever_is_shown(make, headers):
    app = make()
    assert refused(app, 2) == [401, 401]
    assert statuses(app.test_client(), "/api/v1/recordings", headers, 2) == [401, 429]


def test_a_forwarded_address_is_believed_from_proxies_of_ours_alone(make):
    app = make()
    client = app.test_client()
    for number in range(3):
        forged = {"Authorization": "Bearer x", "X-Forwarded-For": f"203.0.113.{number}"}
        assert client.get("/api/v1/recordings", headers=forged).status_code == 401
    assert client.get("/api/v1/recordings", headers=forged).status_code == 429


def test_behind_a_proxy_its_clients_are_counted_apart(make):
    client = make(trusted_proxies=1).test_client()

    def asked(forwarded: str) -> int:
        headers = {"Authorization": "Bearer x", "X-Forwarded-For": forwarded}
        return client.get("/api/v1/recordings", headers=headers).status_code

    assert [asked("198.51.100.1") for _ in range(4)] == [401] * 3 + [429]
    assert asked("203.0.113.7, 198.51.100.1") == 429
    assert asked("198.51.100.2") == 401


def test_a_network_of_ipv6_is_one_caller(make):
    app = make()
    for number in range(3):
        assert refused(app, 1, REMOTE_ADDR=f"2001:db8:0:1::{number}") == [401]
    assert refused(app, 1, REMOTE_ADDR="2001:db8:0:1:ffff::1") == [429]
    assert refused(app, 1, REMOTE_ADDR="2001:db8:0:2::1") == [401]


def test_strangers_make_no_more_keys_than_there_are_names_and_all_expire(make, redis_server):
    app = make()
    client = app.test_client()
    for number in range(300):
        client.get(
            "/api/v1/recordings",
            headers={"Authorization": f"Bearer {'a' * number}", "X-Forwarded-For": f"f{number}"},
            environ_overrides={"REMOTE_ADDR": "192.0.2.1"},
        )
    keys = redis_server.keys()
    assert 0 < len(keys) <= 2
    assert all(0 < redis_server.ttl(key) <= 60 for key in keys)
    assert all(re.search(rb"network-[0-9a-f]{4}/", key) for key in keys)


def test_no_address_is_kept_in_redis(make, redis_server):
    app = make()
    refused(app, 1, REMOTE_ADDR="203.0.113.9")
    assert b"203.0.113" not in b" ".join(redis_server.keys())


def test_a_flex_token_that_twilio_knows_is_not_locked_out_by_wrong_ones(make, monkeypatch):
    app = make()
    flex = context_of(app).flex_tokens
    user = FlexUser("agent", frozenset(("supervisor",)))
    flex._known.put(hashlib.sha256(b"a-token").digest(), user)
    wrong = [{"Authorization": f"Basic {encoded(f'token:{chr(233)}{n}')}"} for n in range(4)]
    client = app.test_client()
    found = [client.get("/flex/playback", headers=one).status_code for one in wrong]
    assert found == [401, 401, 401, 429]
    known = {"Authorization": f"Basic {encoded('token:a-token')}"}
    assert client.get("/flex/playback", headers=known).status_code == 400


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
