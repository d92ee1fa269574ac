"""Sessions on a real Redis: what is kept, what is not, and what happens when Redis is away."""

from __future__ import annotations

import pytest
import redis
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from addon.errors import QueueUnavailable
from addon.requests.connections import web_connection
from addon.web.sessions import SESSION_S, SIGN_IN_S, Cookies, Sessions, SignIn, hashed

CLAIMS = {"iss": "https://issuer.example", "sub": "1", "email": "sam@example.org"}


@pytest.fixture
def sessions(redis_server: redis.Redis) -> Sessions:
    return Sessions(redis_server)


def test_a_session_brings_its_claims_back(sessions):
    assert sessions.find(sessions.start(CLAIMS)) == CLAIMS


def test_only_what_the_policy_needs_is_kept(sessions):
    token = sessions.start({**CLAIMS, "phone_number": "+1555", "address": {}})
    assert sessions.find(token) == CLAIMS


def test_a_token_that_was_never_given_finds_nobody(sessions):
    assert sessions.find("made up") is None


def test_redis_never_holds_the_token(sessions, redis_server):
    token = sessions.start(CLAIMS)
    keys = redis_server.keys()
    assert keys and not any(token.encode() in key for key in keys)
    assert not any(token.encode() in redis_server.get(key) for key in keys)


def test_a_session_ends_by_itself(sessions, redis_server):
    sessions.start(CLAIMS)
    (key,) = redis_server.keys()
    assert 0 < redis_server.ttl(key) <= SESSION_S


def test_signing_out_ends_it(sessions):
    token = sessions.start(CLAIMS)
    sessions.end(token)
    assert sessions.find(token) is None


def sign_in(browser: str) -> SignIn:
    return SignIn(browser=hashed(browser), nonce="n", verifier="v", to="/recordings/RE1")


def test_a_sign_in_is_taken_once(sessions):
    sessions.expect("state", sign_in("this browser"))
    assert sessions.take("state", "this browser") == sign_in("this browser")
    assert sessions.take("state", "this browser") is None


def test_a_sign_in_of_another_browser_is_not_given_and_is_over(sessions):
    sessions.expect("state", sign_in("this browser"))
    assert sessions.take("state", "another browser") is None
    assert sessions.take("state", "this browser") is None


def test_a_sign_in_does_not_wait_for_ever(sessions, redis_server):
    sessions.expect("state", sign_in("this browser"))
    (key,) = redis_server.keys()
    assert 0 < redis_server.ttl(key) <= SIGN_IN_S


@pytest.mark.parametrize(
    "use",
    [
        lambda sessions: sessions.start(CLAIMS),
        lambda sessions: sessions.find("token"),
        lambda sessions: sessions.end("token"),
        lambda sessions: sessions.expect("state", sign_in("b")),
        lambda sessions: sessions.take("state", "b"),
    ],
)
def test_without_redis_every_use_says_so(use):
    away = Sessions(web_connection("redis://127.0.0.1:9/0"))
    with pytest.raises(QueueUnavailable):
        use(away)


def request_with(cookie: str) -> Request:
    return Request(EnvironBuilder(headers={"Cookie": cookie}).get_environ())


def set_cookies(cookies: Cookies) -> list[str]:
    response = Response()
    cookies.remember_browser(response, "b")
    cookies.remember_session(response, "t")
    return response.headers.getlist("Set-Cookie")


def test_cookies_over_https_are_bound_to_the_host():
    for cookie in set_cookies(Cookies(secure=True)):
        assert cookie.startswith("__Host-recordings-")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


def test_cookies_over_http_are_as_strict_as_they_can_be():
    for cookie in set_cookies(Cookies(secure=False)):
        assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Secure" not in cookie


def test_a_cookie_of_the_other_kind_is_not_read():
    request = request_with("recordings-session=t")
    assert Cookies(secure=True).session(request) is None
    assert Cookies(secure=False).session(request) == "t"


def test_forgetting_empties_the_cookie():
    response = Response()
    Cookies(secure=True).forget_session(response)
    (cookie,) = response.headers.getlist("Set-Cookie")
    assert "session=;" in cookie and "Max-Age=0" in cookie
