"""The Flex Insights Player's two steps: every row of the table in spec/protocol 6.2."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from addon.factory import create_app
from tests.outbound.loopback import Answer
from tests.playback.sounds import RECORDING, TENANT, archived, file_of
from tests.twilio.standin import ACCOUNT, TOKEN, StandIn
from tests.web.documented import DocumentedClient
from tests.web.playing import ORIGIN, access_log, inside

JWE = "eyJhbGciOiJkaXIi.aaaa.bbbb.cccc.dddd"
HEADER = "Basic dG9rZW46ZXlKaGJHY2lPaUprYVhJaS5hYWFhLmJiYmIuY2NjYy5kZGRk"
"""As spec/protocol 6.2 gives it for this token."""

IAM = f"/v1/Accounts/{ACCOUNT}/Tokens/validate"
PATH = f"/flex/playback?recording_sid={RECORDING}"
CONTENT = file_of(20_000)


def verdict(**changes: Any) -> dict[str, Any]:
    return {
        "valid": True,
        "code": 0,
        "message": None,
        "expiration": "2999-01-01T00:00:00.000Z",
        "realm_user_id": "agent9@example.org",
        "identity": "agent9_40example_2Eorg",
        "roles": ["supervisor"],
        "worker_sid": "WK" + "8" * 32,
    } | changes


@pytest.fixture
def twilio() -> Iterator[StandIn]:
    with StandIn().running() as standin:
        standin.tokens[JWE] = verdict()
        yield standin


@pytest.fixture
def app(settings, redis_server, twilio):
    ours = settings.replace(
        twilio_account_sid=ACCOUNT,
        twilio_auth_token=TOKEN,
        twilio_base_url=twilio.host.origin,
    )
    app = create_app(ours)
    app.test_client_class = DocumentedClient
    archived(inside(app).archive, CONTENT, tenant=ACCOUNT, source="flex")
    return app


def ask(client: FlaskClient, path: str = PATH, authorization: str | None = HEADER, **more: str):
    headers = {"Origin": ORIGIN, **more}
    if authorization is not None:
        headers["Authorization"] = authorization
    return client.get(path, headers=headers)


def test_the_preflight_is_answered_without_credentials(client, twilio):
    answer = client.options(
        PATH,
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization",
        },
    )
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, OPTIONS"
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization"
    assert "Origin" in answer.headers["Vary"]
    assert twilio.host.requests == []


def test_a_supervisor_gets_a_link_that_plays(app, client, twilio):
    answer = ask(client)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert list(answer.get_json()) == ["media_url"]
    url = answer.get_json()["media_url"]
    assert url.startswith("https://hooks.example.net/media/")
    audio = client.get(
        url.removeprefix("https://hooks.example.net"),
        headers={"Origin": ORIGIN, "Range": "bytes=100-199"},
    )
    assert (audio.status_code, audio.data) == (206, CONTENT[100:200])
    granted, heard = access_log(app, tenant=ACCOUNT)
    assert (granted["event"], granted["right"]) == ("granted", "Flex role supervisor")
    assert (heard["event"], heard["grant"]) == ("heard", granted["grant"])
    assert granted["listener"] == heard["listener"] == "agent9@example.org"


def test_iam_is_asked_with_the_account_s_credentials(client, twilio):
    ask(client)
    (request,) = twilio.host.requests
    expected = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    assert (request.path, request.headers["authorization"]) == (IAM, f"Basic {expected}")


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"token").decode(),
        "Basic " + base64.b64encode(b"token:").decode(),
        "Basic " + base64.b64encode(f"user:{JWE}".encode()).decode(),
        "Basic " + base64.b64encode(b"token:unknown").decode(),
        "Basic " + base64.b64encode(b"token:\xff\x00").decode(),
        "Basic " + base64.b64encode(b"token:" + b"x" * 9000).decode(),
        f"Bearer {JWE}",
    ],
)
def test_without_a_valid_token_it_is_401_and_no_redirect(client, authorization):
    answer = ask(client, authorization=authorization)
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Location" not in answer.headers
    assert not answer.headers["WWW-Authenticate"].lower().startswith("basic")
    assert answer.get_json()["code"] == 64701


def test_an_expired_token_is_401(client, twilio):
    twilio.tokens[JWE] = verdict(expiration="2020-01-01T00:00:00.000Z")
    assert ask(client).status_code == 401


@pytest.mark.parametrize("roles", [["agent"], [], None, "supervisor", ["Supervisor", "wfo.full"]])
def test_a_role_that_may_not_listen_is_403_and_noted(app, client, twilio, roles):
    twilio.tokens[JWE] = verdict(roles=roles)
    answer = ask(client)
    assert answer.status_code == 403
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    (event,) = access_log(app, tenant=ACCOUNT)
    assert (event["event"], event["listener"]) == ("denied", "agent9@example.org")


def test_further_roles_can_be_set(app, settings, client, twilio):
    twilio.tokens[JWE] = verdict(roles=["agent"])
    ours = inside(app).settings.replace(playback_roles=("agent",))
    assert ask(create_app(ours).test_client()).status_code == 200


@pytest.mark.parametrize("name", ["RE" + "9" * 32, "../x", "%00", "a/b", "x" * 100])
def test_an_unknown_recording_is_404(client, name):
    assert ask(client, f"/flex/playback?recording_sid={name}").status_code == 404


def test_another_tenant_s_recording_is_404(app, client):
    archived(inside(app).archive, CONTENT, tenant=TENANT, recording_id="REinstall")
    assert ask(client, "/flex/playback?recording_sid=REinstall").status_code == 404


@pytest.mark.parametrize("query", ["", "?recording_sid=", "?rid=RE1"])
def test_without_a_recording_it_is_400(client, query):
    assert ask(client, f"/flex/playback{query}").status_code == 400


@pytest.mark.parametrize("trouble", [Answer(500), Answer(503), Answer(200, b"<html>")])
def test_when_iam_cannot_tell_it_is_503_and_closed(client, twilio, trouble):
    twilio.trouble[IAM] = [trouble] * 5
    answer = ask(client)
    assert answer.status_code == 503
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "media_url" not in answer.get_data(as_text=True)


def test_a_yes_is_remembered_for_a_moment_and_a_no_is_not(client, twilio):
    for _ in range(3):
        assert ask(client).status_code == 200
    assert len(twilio.host.requests) == 1
    wrong = "Basic " + base64.b64encode(b"token:unknown").decode()
    for _ in range(2):
        assert ask(client, authorization=wrong).status_code == 401
    assert len(twilio.host.requests) == 3


def test_a_player_on_another_origin_may_not_read_it(client):
    answer = client.get(PATH, headers={"Origin": "https://evil.example", "Authorization": HEADER})
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["Vary"] == "Origin"


def test_a_link_that_cannot_be_recorded_is_not_given(app, client, monkeypatch):
    from addon.errors import StoreUnavailable

    def away(*_args, **_kwargs):
        raise StoreUnavailable("away")

    monkeypatch.setattr(inside(app).store, "put", away)
    answer = ask(client)
    assert answer.status_code == 503
    assert "media_url" not in answer.get_data(as_text=True)


def test_no_other_method(client):
    assert client.post(PATH).status_code == 405
