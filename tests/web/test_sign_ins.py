"""A sign-in elsewhere ends only in the browser that began it, and costs the server no memory."""

from __future__ import annotations

import time

import pytest
from flask import Flask
from werkzeug.wrappers import Response

from addon.errors import Forbidden
from addon.web import sign_ins
from addon.web.cookies import SIGN_IN_S, Cookies
from addon.web.sign_ins import COOKIE_BYTES, TABS
from tests.web.people import context_of, cookies_set

COOKIES = Cookies(secure=False)


class Jar:
    """A browser's cookies."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}

    def take(self, response: Response) -> None:
        for cookie in cookies_set(response):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.held.pop(name, None)
            if value:
                self.held[name] = value

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.held.items())}


def begun(app: Flask, jar: Jar, cookies: Cookies = COOKIES, to: str = "/recordings/RE1") -> str:
    """The state of a new sign-in."""
    with app.test_request_context(headers=jar.headers):
        response = sign_ins.begin(cookies, to, lambda sign_in: f"https://i/{sign_in.state}")
        assert response.status_code == 302
        jar.take(response)
        return response.headers["Location"].rpartition("/")[2]


def finished(app: Flask, state: str, jar: Jar, cookies: Cookies = COOKIES, code: str = "c"):
    given = f"&code={code}" if code else ""
    with app.test_request_context(f"/?state={state}{given}", headers=jar.headers):
        try:
            return sign_ins.finish(cookies)
        finally:
            jar.take(app.process_response(app.response_class()))


def test_the_answer_belongs_to_the_sign_in_that_was_begun(app):
    jar = Jar()
    state = begun(app, jar)
    code, sign_in = finished(app, state, jar)
    assert (code, sign_in.to) == ("c", "/recordings/RE1")
    assert len({sign_in.nonce, sign_in.verifier, state}) == 3
    assert len(sign_in.verifier) >= 43


def test_it_ends_once(app):
    jar = Jar()
    state = begun(app, jar)
    finished(app, state, jar)
    assert jar.held == {}
    with pytest.raises(Forbidden, match="not begun in this browser"):
        finished(app, state, jar)


def test_any_number_of_sign_ins_leaves_redis_as_it_was(app, redis_server):
    for _ in range(500):
        begun(app, Jar())
    assert redis_server.dbsize() == 0


def test_every_tab_ends_where_it_began_in_any_order(app):
    jar = Jar()
    pages = [f"/recordings/RE{number}" for number in range(TABS)]
    states = [begun(app, jar, to=page) for page in pages]
    for state, page in reversed(list(zip(states, pages, strict=True))):
        assert finished(app, state, jar)[1].to == page


def test_tabs_that_begin_at_the_same_moment_do_not_undo_each_other(app):
    """A browser that is opened again asks for all of its tabs before it has any cookie."""
    jars = [Jar() for _ in range(6)]
    states = [begun(app, jar) for jar in jars]
    together = Jar()
    for jar in jars:
        together.held |= jar.held
    for state in states:
        assert finished(app, state, together)[0] == "c"


@pytest.mark.parametrize("to", ["/recordings", "/recordings?q=" + "a" * 980])
def test_the_cookies_stay_small_and_the_latest_counts(app, to):
    jar = Jar()
    for _ in range(3 * TABS):
        state = begun(app, jar, to=to)
    assert len(jar.held) <= TABS
    assert sum(map(len, jar.held.values())) <= COOKIE_BYTES
    assert finished(app, state, jar)[1].to == to


def test_another_browser_and_another_state_are_refused(app):
    jar, other = Jar(), Jar()
    state, another = begun(app, jar), begun(app, other)
    renamed = Jar()
    (value,) = jar.held.values()
    renamed.held = {f"recordings-sign-in-{another[:16]}": value}
    for wrong in ((state, other), (state, Jar()), ("x", jar), ("", jar), (another, renamed)):
        with pytest.raises(Forbidden):
            finished(app, *wrong)


def test_a_cookie_that_was_changed_or_made_up_is_refused(app):
    jar = Jar()
    state = begun(app, jar)
    ((name, value),) = jar.held.items()
    for wrong in ("", "x", "\u00e9", value[:-4], value[::-1], "A" * len(value)):
        jar.held = {name: wrong}
        with pytest.raises(Forbidden):
            finished(app, state, jar)


def test_the_cookie_shows_nothing(app):
    jar = Jar()
    begun(app, jar)
    (value,) = jar.held.values()
    vault = context_of(app).cookie_vault
    assert "RE1" not in value
    assert vault.decrypt_text(sign_ins.SignIn, value, "another name") is None


def test_a_sign_in_does_not_wait_for_ever(app, monkeypatch):
    jar = Jar()
    state = begun(app, jar)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + SIGN_IN_S + 1)
    with pytest.raises(Forbidden, match="too long ago"):
        finished(app, state, jar)


def test_kinds_of_sign_in_do_not_answer_for_each_other(app):
    other, jar = Cookies(secure=False, kind="ringcentral"), Jar()
    state = begun(app, jar, other)
    renamed = Jar()
    renamed.held = {
        name.replace("ringcentral", "recordings"): value for name, value in jar.held.items()
    }
    with pytest.raises(Forbidden):
        finished(app, state, renamed)
    assert finished(app, state, jar, other)[0] == "c"


def test_a_sign_in_at_an_issuer_before_is_not_taken(app):
    jar = Jar()
    state = begun(app, jar)
    context_of(app).settings = context_of(app).settings.replace(oidc_issuer="https://new.example")
    with pytest.raises(Forbidden):
        finished(app, state, jar)


def test_an_answer_without_a_code_signs_nobody_in(app):
    jar = Jar()
    state = begun(app, jar)
    with pytest.raises(Forbidden, match="not signed in"):
        finished(app, state, jar, code="")
