"""Signing in as spec/protocol 7.3 says: PKCE, exact forms, and what each refusal means."""

from __future__ import annotations

import http.client
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from addon.errors import RingCentralUnavailable, Unauthenticated
from addon.outbound import Outbound
from addon.ringcentral.hosts import Hosts
from addon.ringcentral.oauth import OAuth, Tokens
from tests.outbound.loopback import Answer
from tests.ringcentral.standin import CLIENT_ID, CLIENT_SECRET, JWT, SERVICE_USER, says

BACK = "https://hooks.example.net/ringcentral/callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
TOKEN = "/restapi/oauth/token"


@pytest.fixture
def oauth(standin, clock):
    standin.redirect_uris = {BACK}
    return make(standin, clock)


def make(standin, clock, secret=CLIENT_SECRET):
    hosts = Hosts(standin.url)
    return OAuth(
        hosts, Outbound(hosts.origins), client_id=CLIENT_ID, client_secret=secret, clock=clock
    )


def code(oauth, verifier=VERIFIER):
    url = oauth.sign_in_url(redirect_uri=BACK, state="state-1", verifier=verifier)
    target = urlsplit(url)
    connection = http.client.HTTPConnection(target.netloc, timeout=5)
    connection.request("GET", f"{target.path}?{target.query}")
    answer = connection.getresponse()
    assert answer.status == 302, answer.read()
    back = parse_qs(urlsplit(answer.headers["Location"]).query)
    connection.close()
    assert back["state"] == ["state-1"]
    return back["code"][0]


def test_the_vector_of_rfc_7636():
    expected = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert create_s256_code_challenge(VERIFIER) == expected


def test_the_address_to_sign_in_at(oauth, standin):
    target = urlsplit(oauth.sign_in_url(redirect_uri=BACK, state="s&1", verifier=VERIFIER))
    assert f"{target.scheme}://{target.netloc}" == standin.url
    assert target.path == "/restapi/oauth/authorize"
    assert parse_qs(target.query) == {
        "response_type": ["code"],
        "client_id": [CLIENT_ID],
        "redirect_uri": [BACK],
        "state": ["s&1"],
        "code_challenge": ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"],
        "code_challenge_method": ["S256"],
    }


def test_a_code_becomes_tokens(oauth, standin, clock):
    tokens = oauth.exchange(code=code(oauth), redirect_uri=BACK, verifier=VERIFIER)
    assert tokens.access in standin.access and tokens.refresh in standin.refresh
    assert tokens.owner == standin.person
    assert tokens.expires_at == clock.now + 3600
    assert CLIENT_SECRET not in standin.host.requests[-1].body.decode()


def test_a_client_without_a_secret_names_itself(standin, clock):
    standin.public_client, standin.redirect_uris = True, {BACK}
    oauth = make(standin, clock, secret=None)
    tokens = oauth.exchange(code=code(oauth), redirect_uri=BACK, verifier=VERIFIER)
    assert oauth.refresh(tokens).access in standin.access


@pytest.mark.parametrize(
    "wrong",
    [{"code": "made-up"}, {"verifier": "x" * 43}, {"redirect_uri": "https://hooks.example.net/"}],
)
def test_what_does_not_fit_gives_no_tokens(oauth, wrong):
    right = {"code": code(oauth), "redirect_uri": BACK, "verifier": VERIFIER}
    with pytest.raises(Unauthenticated):
        oauth.exchange(**right | wrong)


def test_a_code_and_a_refresh_token_work_once(oauth):
    once = code(oauth)
    tokens = oauth.exchange(code=once, redirect_uri=BACK, verifier=VERIFIER)
    with pytest.raises(Unauthenticated):
        oauth.exchange(code=once, redirect_uri=BACK, verifier=VERIFIER)
    renewed = oauth.refresh(tokens)
    assert renewed.refresh != tokens.refresh
    with pytest.raises(Unauthenticated):
        oauth.refresh(tokens)


def test_a_jwt_stands_for_the_service_account(oauth):
    assert oauth.with_jwt(JWT).owner == SERVICE_USER
    with pytest.raises(Unauthenticated):
        oauth.with_jwt("another")


def test_revoking_names_the_refresh_token(oauth, standin):
    oauth.revoke(Tokens("a", "r", 0, "u"))
    assert standin.asked("/revoke")[0].body == b"token=r"


def test_429_says_how_long_to_wait(oauth, standin):
    standin.trouble[TOKEN] = [says(429, **{"Retry-After": "44"}), says(429)]
    with pytest.raises(RingCentralUnavailable) as raised:
        oauth.with_jwt(JWT)
    assert raised.value.retry_after == 44
    with pytest.raises(RingCentralUnavailable) as raised:
        oauth.with_jwt(JWT)
    assert raised.value.retry_after >= 30


@pytest.mark.parametrize(
    "answer",
    [
        says(500),
        says(503),
        says(200),
        says(200, []),
        Answer(200, b"<html>"),
        Answer(200, b"[" * 50_000),
        Answer(200, b" " * 100_000),
        says(200, {"access_token": "", "token_type": "bearer"}),
        says(200, {"access_token": 7, "token_type": "bearer"}),
        says(200, {"access_token": "a", "token_type": "mac"}),
        Answer(302, b"", {"Location": "http://127.0.0.1:1/"}),
        Answer(raw=lambda: iter([b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])),
    ],
    ids=lambda each: f"{each.status}-{each.body[:20]!r}",
)
def test_an_answer_without_a_token_is_worth_another_try(oauth, standin, answer):
    standin.trouble[TOKEN] = [answer]
    with pytest.raises(RingCentralUnavailable):
        oauth.with_jwt(JWT)


def test_a_redirected_token_request_goes_nowhere(oauth, standin, other):
    standin.trouble[TOKEN] = [Answer(307, b"", {"Location": other.url("/restapi/oauth/token")})]
    with pytest.raises(RingCentralUnavailable):
        oauth.with_jwt(JWT)
    assert other.requests == []


def test_tokens_are_stored_as_they_were_and_print_nothing(clock):
    tokens = Tokens.of_answer(
        {"access_token": "secret-a", "token_type": "Bearer", "refresh_token": "secret-r"}, clock()
    )
    assert Tokens.from_json(tokens.to_json()) == tokens
    assert "secret" not in repr(tokens)
    assert clock.now < tokens.expires_at <= clock.now + 3600
