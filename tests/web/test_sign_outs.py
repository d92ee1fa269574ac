"""Signing out at the issuer: offered to whoever has just signed out, and to nobody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from werkzeug.wrappers import Response

from addon.errors import Unavailable
from addon.web import sign_outs
from addon.web.cookies import Cookies
from addon.web.oidc import MAX_HINT, Identity
from addon.web.sessions import Session
from tests.web.people import context_of, cookies_set

COOKIES = Cookies(secure=False)
NOW = datetime.now(UTC)
SESSION = Session({"sub": "1"}, NOW, NOW + timedelta(hours=1), "an.id.token")


class FakeProvider:
    """An issuer whose answer about its sign-out page is given."""

    def __init__(self, answer: str | Unavailable | None) -> None:
        self.answer = answer

    def sign_out_url(self, **query: str) -> str | None:
        if isinstance(self.answer, Unavailable):
            raise self.answer
        return self.answer and f"{self.answer}?{query['id_token']}"


def provided(app, answer: str | Unavailable | None = "https://issuer.example/end") -> None:
    context_of(app).__dict__["provider"] = FakeProvider(answer)


def cookie_of_offer(app) -> str:
    with app.test_request_context():
        response = Response()
        sign_outs.offer(COOKIES, response, SESSION)
        (cookie,) = cookies_set(response)
        return cookie.partition(";")[0]


def offered(app, cookie: str, path: str = "/"):
    with app.test_request_context(path, headers={"Cookie": cookie}):
        found = sign_outs.offered(COOKIES)
        return found and (sign_outs.outcome(found), sign_outs.url(found))


def test_the_hint_goes_to_the_issuer_and_is_not_readable_in_the_cookie(app):
    provided(app)
    cookie = cookie_of_offer(app)
    assert "an.id" not in cookie
    assert offered(app, cookie) == ("possible", "https://issuer.example/end?an.id.token")


@pytest.mark.parametrize("cookie", ["", "recordings-sign-out=", "recordings-sign-out=forged"])
def test_nobody_else_is_offered_it(app, cookie):
    provided(app)
    assert offered(app, cookie) is None


def test_without_an_issuer_there_is_nothing_to_offer(app):
    assert offered(app, cookie_of_offer(app)) is None


def test_an_issuer_without_the_page_is_told_from_one_that_is_away(app):
    cookie = cookie_of_offer(app)
    provided(app, None)
    assert offered(app, cookie) == ("impossible", None)
    provided(app, Unavailable("away"))
    with app.test_request_context(headers={"Cookie": cookie}):
        found = sign_outs.offered(COOKIES)
        assert found is not None and sign_outs.outcome(found) == "unknown"


def test_only_the_state_of_the_offer_says_that_it_ended(app):
    provided(app)
    cookie = cookie_of_offer(app)
    with app.test_request_context(headers={"Cookie": cookie}):
        found = sign_outs.offered(COOKIES)
        assert found is not None
    assert offered(app, cookie, f"/?state={found.state}")[0] == "ended"
    for wrong in ("", "?state=", "?state=forged", "?state=%C3%A9"):
        assert offered(app, cookie, f"/{wrong}")[0] == "possible"


@pytest.mark.parametrize(("length", "kept"), [(MAX_HINT, True), (MAX_HINT + 1, False)])
def test_a_token_too_long_for_a_cookie_is_no_hint(length, kept):
    assert (sign_outs.hint_of(Identity({}, "t" * length)) is not None) is kept
