"""A sign-in elsewhere ends only in the browser that began it, once, and where it was to end."""

from __future__ import annotations

import pytest
from flask import Flask

from addon.errors import Forbidden
from addon.web import sign_ins
from addon.web.sessions import Cookies
from tests.web.people import cookies_set

COOKIES = Cookies(secure=False)


def begun(app: Flask, cookies: Cookies = COOKIES) -> tuple[str, str]:
    """The state and the browser's cookie of a new sign-in."""
    with app.test_request_context():
        response = sign_ins.begin(cookies, "/recordings/RE1", lambda state, _: f"https://i/{state}")
        assert response.status_code == 302
        (cookie,) = cookies_set(response)
        return response.headers["Location"].rpartition("/")[2], cookie.partition(";")[0]


def finished(app: Flask, state: str, cookie: str, cookies: Cookies = COOKIES, code: str = "c"):
    given = f"&code={code}" if code else ""
    with app.test_request_context(f"/?state={state}{given}", headers={"Cookie": cookie}):
        return sign_ins.finish(cookies)


def test_the_answer_belongs_to_the_sign_in_that_was_begun(app):
    state, cookie = begun(app)
    code, sign_in = finished(app, state, cookie)
    assert (code, sign_in.to) == ("c", "/recordings/RE1")
    assert len({sign_in.nonce, sign_in.verifier, state}) == 3


def test_it_ends_once(app):
    state, cookie = begun(app)
    finished(app, state, cookie)
    with pytest.raises(Forbidden, match="not begun in this browser"):
        finished(app, state, cookie)


def test_another_browser_and_another_state_are_refused(app):
    state, cookie = begun(app)
    for wrong in ((state, "recordings-sign-in=x"), (state, ""), ("x", cookie), ("", cookie)):
        with pytest.raises(Forbidden):
            finished(app, *wrong)


def test_kinds_of_sign_in_do_not_answer_for_each_other(app):
    other = Cookies(secure=False, kind="ringcentral")
    state, cookie = begun(app, other)
    with pytest.raises(Forbidden):
        finished(app, state, cookie.replace("ringcentral", "recordings"))
    state, cookie = begun(app, other)
    assert finished(app, state, cookie, other)[0] == "c"


def test_an_answer_without_a_code_signs_nobody_in(app):
    state, cookie = begun(app)
    with pytest.raises(Forbidden, match="not signed in"):
        finished(app, state, cookie, code="")
