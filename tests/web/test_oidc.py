"""The issuer's answers: what is believed, and everything that must not be."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from addon.errors import Forbidden, SettingsError, Unavailable
from addon.web.oidc import Provider, fresh_text
from tests.web.issuer import CLIENT_ID, Issuer

REDIRECT = "https://hooks.example.net/login/callback"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as running:
        yield running


def provider_of(issuer: Issuer) -> Provider:
    return Provider(issuer.url, CLIENT_ID, issuer.secret)


def sign_in(issuer: Issuer, provider: Provider | None = None, **changes: Any) -> dict[str, Any]:
    """The whole flow as a browser would drive it; `changes` replace what the client sends back."""
    provider = provider or provider_of(issuer)
    nonce, verifier = fresh_text(), fresh_text()
    url = provider.sign_in_url(
        redirect_uri=REDIRECT, state="a-state", nonce=nonce, verifier=verifier
    )
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    issuer.codes["a-code"] = query
    sent = {"code": "a-code", "redirect_uri": REDIRECT, "nonce": nonce, "verifier": verifier}
    return provider.identity(**{**sent, **changes}).claims


def spoilt_token(issuer: Issuer, **changes: Any) -> None:
    """The issuer signs a token that differs from what it should say."""
    issuer.spoil["/token"] = lambda answer: {
        **answer,
        "id_token": issuer.id_token(**{"nonce": nonce_of(answer), **changes}),
    }


def nonce_of(answer: dict[str, Any]) -> str:
    payload = answer["id_token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=="))["nonce"]


def test_a_code_becomes_the_persons_claims(issuer):
    claims = sign_in(issuer)
    assert (claims["sub"], claims["email"], claims["groups"]) == (
        "person-1",
        "sam@example.org",
        ["supervisor"],
    )


def test_the_request_carries_state_nonce_and_a_pkce_challenge(issuer):
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
    url = provider_of(issuer).sign_in_url(
        redirect_uri=REDIRECT, state="a-state", nonce="a-nonce", verifier=verifier
    )
    query = parse_qs(urlsplit(url).query)
    assert url.startswith(f"{issuer.url}/authorize?")
    assert (query["state"], query["nonce"]) == (["a-state"], ["a-nonce"])
    assert query["code_challenge"] == ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"]
    assert verifier not in url


def test_a_wrong_verifier_is_refused(issuer):
    with pytest.raises(Forbidden):
        sign_in(issuer, verifier=fresh_text())


def test_a_code_that_was_never_given_is_refused(issuer):
    with pytest.raises(Forbidden):
        sign_in(issuer, code="another")


@pytest.mark.parametrize("methods", [("client_secret_post",), ("client_secret_basic",)])
def test_the_secret_goes_where_the_issuer_wants_it(issuer, methods):
    issuer.methods = methods
    assert sign_in(issuer)["sub"] == "person-1"


def test_a_public_client_has_pkce_alone(issuer):
    issuer.secret = None
    assert sign_in(issuer)["sub"] == "person-1"


def test_a_wrong_secret_is_refused(issuer):
    provider = Provider(issuer.url, CLIENT_ID, "not the secret")
    with pytest.raises(Forbidden):
        sign_in(issuer, provider)


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"aud": "another-client", "azp": CLIENT_ID},
        {"aud": ["another-client", "a-third"], "azp": CLIENT_ID},
        {"iss": "https://elsewhere.example"},
        {"exp": int(time.time()) - 3600},
        {"iat": None},
        {"sub": None},
        {"nbf": int(time.time()) + 3600},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_a_token_that_says_something_else_is_refused(issuer, changes):
    spoilt_token(issuer, **changes)
    with pytest.raises(Forbidden):
        sign_in(issuer)


def test_a_token_of_another_key_is_refused(issuer):
    real = issuer.key
    issuer.turn_key()
    false, issuer.key = issuer.key, real
    spoilt_token(issuer, key=false)
    with pytest.raises(Forbidden):
        sign_in(issuer)


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(issuer):
    issuer.spoil["/token"] = lambda answer: {
        **answer,
        "id_token": issuer.id_token_by_public_key(nonce_of(answer)),
    }
    with pytest.raises(Forbidden):
        sign_in(issuer)


def test_an_unsigned_token_is_refused(issuer):
    def unsigned(answer: dict[str, Any]) -> dict[str, Any]:
        head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
        return {**answer, "id_token": f"{head}.{answer['id_token'].split('.')[1]}."}

    issuer.spoil["/token"] = unsigned
    with pytest.raises(Forbidden):
        sign_in(issuer)


def test_a_turned_key_is_fetched_again(issuer):
    provider = provider_of(issuer)
    sign_in(issuer, provider)
    issuer.turn_key()
    assert sign_in(issuer, provider)["sub"] == "person-1"


@pytest.mark.parametrize("key_ids", [True, False], ids=["the same key id", "no key ids"])
def test_a_turned_key_that_its_id_does_not_tell_is_fetched_again_by_every_process(issuer, key_ids):
    issuer.key_ids = key_ids
    providers = [provider_of(issuer) for _ in range(3)]
    for provider in providers:
        sign_in(issuer, provider)
    issuer.turn_key(issuer.key.kid)
    for provider in providers:
        assert sign_in(issuer, provider)["sub"] == "person-1"
        assert sign_in(issuer, provider)["sub"] == "person-1"


def test_an_issuer_that_moves_its_keys_when_it_turns_them_is_followed(issuer):
    provider = provider_of(issuer)
    sign_in(issuer, provider)
    issuer.turn_key(issuer.key.kid)
    issuer.spoil["/keys"] = lambda _: (200, {}, b'{"keys": []}')
    issuer.spoil["/.well-known/openid-configuration"] = lambda document: {
        **document,
        "jwks_uri": f"{issuer.url}/moved",
    }
    issuer.spoil["/moved"] = lambda _: (200, {}, json.dumps(issuer.key_set()).encode())
    assert sign_in(issuer, provider)["sub"] == "person-1"


def test_bad_signatures_do_not_make_us_ask_for_the_keys_again_and_again(issuer):
    provider = provider_of(issuer)
    sign_in(issuer, provider)
    real = issuer.key
    issuer.turn_key(real.kid)
    false, issuer.key = issuer.key, real
    spoilt_token(issuer, key=false)
    for _ in range(5):
        with pytest.raises(Forbidden):
            sign_in(issuer, provider)
    assert [path for _, path in issuer.seen].count("/keys") == 2


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (120, "is 1[12][0-9] seconds behind|is about 2 minutes behind"),
        (-900, "is about 15 minutes ahead"),
    ],
)
def test_a_difference_of_the_clocks_is_said_to_be_one(issuer, seconds, said):
    issuer.clock_s = seconds
    with pytest.raises(Forbidden, match=said) as caught:
        sign_in(issuer)
    assert "clock differs" in caught.value.message and "NTP" in caught.value.remedy


@pytest.mark.parametrize("seconds", [-120, -30, 30])
def test_a_small_difference_of_the_clocks_is_none(issuer, seconds):
    issuer.clock_s = seconds
    assert sign_in(issuer)["sub"] == "person-1"


def test_an_old_token_by_the_right_clock_is_not_said_to_be_the_clocks_fault(issuer):
    spoilt_token(issuer, exp=int(time.time()) - 3600)
    with pytest.raises(Forbidden) as caught:
        sign_in(issuer)
    assert "clock" not in caught.value.message


def test_a_slow_issuer_is_waited_for(issuer):
    issuer.slow_s = 0.2
    assert sign_in(issuer)["sub"] == "person-1"


def test_the_issuer_is_told_what_to_ask(issuer):
    url = provider_of(issuer).sign_in_url(
        redirect_uri=REDIRECT, state="s", nonce="n", verifier="v" * 43, prompt="login"
    )
    assert parse_qs(urlsplit(url).query)["prompt"] == ["login"]


def test_an_issuer_without_the_endpoint_has_no_sign_out_page(issuer):
    provider = provider_of(issuer)
    assert provider.sign_out_url(id_token=None, state="s", back=REDIRECT) is None


@pytest.mark.parametrize("endpoint", ["javascript:alert(1)", 7, None, ""])
def test_an_endpoint_that_is_no_web_address_is_none(issuer, endpoint):
    issuer.spoil["/.well-known/openid-configuration"] = lambda document: {
        **document,
        "end_session_endpoint": endpoint,
    }
    assert provider_of(issuer).sign_out_url(id_token=None, state="s", back=REDIRECT) is None


def test_signing_out_at_the_issuer_names_the_session_and_the_way_back(issuer):
    issuer.ends_sessions = True
    url = provider_of(issuer).sign_out_url(id_token="t", state="s", back=REDIRECT)
    assert url.startswith(f"{issuer.url}/end?")
    query = parse_qs(urlsplit(url).query)
    assert query == {
        "client_id": [CLIENT_ID],
        "post_logout_redirect_uri": [REDIRECT],
        "state": ["s"],
        "id_token_hint": ["t"],
    }


def test_the_issuers_documents_are_asked_for_once(issuer):
    provider = provider_of(issuer)
    sign_in(issuer, provider)
    sign_in(issuer, provider)
    paths = [path for _, path in issuer.seen]
    assert paths.count("/.well-known/openid-configuration") == 1
    assert paths.count("/keys") == 1


def test_user_info_brings_what_the_token_leaves_out(issuer):
    del issuer.person["email"]
    issuer.userinfo = {"sub": "person-1", "email": "sam@example.org", "email_verified": True}
    assert sign_in(issuer)["email"] == "sam@example.org"


def test_user_info_of_another_person_is_refused(issuer):
    del issuer.person["email"]
    issuer.userinfo = {"sub": "person-2", "email": "boss@example.org", "email_verified": True}
    with pytest.raises(Forbidden):
        sign_in(issuer)


def test_user_info_cannot_overrule_the_token(issuer):
    del issuer.person["email"]
    issuer.userinfo = {"sub": "person-1", "email": "sam@example.org", "groups": ["admin"]}
    assert sign_in(issuer)["groups"] == ["supervisor"]


@pytest.mark.parametrize(
    "answer",
    [
        (500, {}, b""),
        (200, {}, b"<html>"),
        (200, {}, b"[]"),
        (302, {"Location": "http://127.0.0.1:9/"}, b""),
    ],
    ids=["500", "not JSON", "no object", "redirect"],
)
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token"])
def test_an_issuer_that_answers_badly_is_away(issuer, path, answer):
    issuer.spoil[path] = lambda _: answer
    with pytest.raises(Unavailable):
        sign_in(issuer)


def test_the_secret_does_not_follow_a_redirect(issuer):
    issuer.spoil["/token"] = lambda _: (307, {"Location": f"{issuer.url}/stolen"}, b"")
    with pytest.raises(Unavailable):
        sign_in(issuer)
    assert "/stolen" not in [path for _, path in issuer.seen]


def test_a_configuration_of_another_issuer_is_not_believed(issuer):
    issuer.spoil["/.well-known/openid-configuration"] = lambda document: {
        **document,
        "issuer": "https://elsewhere.example",
    }
    with pytest.raises(Unavailable):
        sign_in(issuer)


def test_an_issuer_that_is_gone_is_away(issuer):
    provider = provider_of(issuer)
    issuer.stop()
    try:
        with pytest.raises(Unavailable):
            sign_in(issuer, provider)
    finally:
        issuer.__enter__()


def test_a_client_needs_its_id():
    with pytest.raises(SettingsError, match="OIDC_CLIENT_ID"):
        Provider("https://issuer.example", "", None)


def test_fresh_texts_are_long_and_differ():
    texts = {fresh_text() for _ in range(50)}
    assert len(texts) == 50 and min(map(len, texts)) >= 43
