"""Errors as problem documents: by class, without a word too much."""

from __future__ import annotations

import pytest

from addon import errors
from addon.factory import create_app
from tests.web.people import Browser


@pytest.fixture
def failing(settings):
    """An app with a route that raises what it is told to."""
    app = create_app(settings)
    raised: list[Exception] = []

    @app.get("/fail")
    def fail():
        raise raised[0]

    def ask(error: Exception):
        raised[:] = [error]
        return app.test_client().get("/fail")

    return ask


LEAVES = [
    (errors.NotStored("x"), 404),
    (errors.NotFound("x"), 404),
    (errors.Forbidden("x"), 403),
    (errors.GrantExpired("x"), 410),
    (errors.InvalidParameter("x"), 400),
    (errors.NotPlayable("x"), 422),
    (errors.RetentionLocked("x"), 409),
    (errors.StoreUnavailable("x"), 503),
    (errors.QueueUnavailable("x"), 503),
    (errors.Tampered("x"), 502),
    (errors.KeyMissing("x"), 503),
]


@pytest.mark.parametrize(("error", "status"), LEAVES, ids=lambda value: type(value).__name__)
def test_the_status_follows_from_the_class(failing, error, status):
    answer = failing(error)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    document = answer.get_json()
    assert document["status"] == status
    assert document["code"] == error.code
    assert document["detail"] == "x"
    assert document["remedy"] == error.remedy
    assert answer.headers["Cache-Control"] == "no-store"


def test_who_may_try_again_is_told_when(failing):
    assert failing(errors.StoreUnavailable("x")).headers["Retry-After"] == "1"
    assert "Retry-After" not in failing(errors.NotFound("x")).headers


def test_a_challenge_comes_with_401(failing):
    assert failing(errors.Unauthenticated("x")).headers["WWW-Authenticate"].startswith("Bearer")


def test_a_defect_gives_nothing_away(failing):
    answer = failing(RuntimeError("secret text"))
    assert answer.status_code == 500
    assert "secret" not in answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json"


def test_a_wrong_method_names_the_right_ones(client):
    answer = client.post("/openapi.json")
    assert (answer.status_code, answer.content_type) == (405, "application/problem+json")
    assert "GET" in answer.headers["Allow"]


def test_the_type_leads_to_the_page_about_this_kind_of_error(failing, app):
    for error, _ in LEAVES:
        address = failing(error).get_json()["type"]
        page, _, anchor = address.partition("#")
        assert anchor == type(error).__name__
        assert f'id="{anchor}"' in Browser(app).get(page).text


def test_an_error_of_the_framework_has_no_page(app):
    assert app.test_client().get("/nothing").get_json()["type"] == "about:blank"
