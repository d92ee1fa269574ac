"""The signed-in user of a request: rights as the policy has them now, and only what they cover."""

from __future__ import annotations

import pytest
from flask import Flask

from addon.errors import Forbidden, NotFound, Unauthenticated
from addon.playback.policy import Rights
from addon.web.current_user import User, current_user
from tests.playback.sounds import RECORDING, TENANT, archived, file_of
from tests.web.people import OWNER, context_of
from tests.web.playing import inside

OTHER = "XD" + "9" * 32


def asking(app: Flask, claims: dict | None, cookie: str | None = None) -> User:
    text = context_of(app).sessions.start(claims) if claims is not None else cookie
    cookies = {"Cookie": f"__Host-recordings-session={text}"} if text else {}
    with app.test_request_context(headers=cookies):
        return current_user()


@pytest.mark.parametrize("cookie", [None, "", "x" * 43])
def test_without_a_session_it_is_unauthenticated(app, cookie):
    with pytest.raises(Unauthenticated):
        asking(app, None, cookie)


def test_rights_are_asked_for_anew_with_every_request(app):
    assert asking(app, OWNER).rights.listen
    context_of(app).policy = lambda _claims, _settings: Rights(listen=False)
    with pytest.raises(Forbidden):
        asking(app, OWNER)


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"email": "a@b.c", "name": "A"}, "a@b.c"),
        ({"preferred_username": "ab", "name": "A"}, "ab"),
        ({"name": "A", "sub": "1"}, "A"),
        ({"email": 5, "sub": "1"}, "1"),
        ({}, "unknown"),
    ],
)
def test_a_user_is_called_by_the_first_name_that_is_known(app, claims, name):
    context_of(app).policy = lambda _claims, _settings: Rights(listen=True)
    assert asking(app, claims).name == name


def test_a_user_of_one_install_knows_of_no_other(app):
    archived(inside(app).archive, file_of(10))
    archived(inside(app).archive, file_of(10), tenant=OTHER, recording_id="REother")
    one = User("1", "a", Rights(listen=True, installs=frozenset({TENANT})))
    every = User("2", "b", Rights(listen=True, installs=None))
    with app.app_context():
        assert one.installs() == (TENANT,)
        assert sorted(every.installs()) == sorted((TENANT, OTHER))
        assert one.holders(RECORDING) == (TENANT,)
        assert every.holders("REother") == (OTHER,)
        with pytest.raises(NotFound):
            one.holders("REother")
