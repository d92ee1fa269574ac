"""One way from an exception to an answer: each audience gets its own form, and nothing else."""

from __future__ import annotations

import pytest
from flask import Blueprint, Flask, Response
from structlog.testing import capture_logs

from addon import log
from addon.errors import (
    AddonError,
    Forbidden,
    KeyMissing,
    NotFound,
    SourceBusy,
    Tampered,
    Unavailable,
    UploadBroken,
)
from addon.sparing_log import LINES_A_MINUTE, SparingLogger
from addon.web import error_answers
from addon.web.error_answers import Audience, status_of


def form(error: AddonError) -> Response:
    return Response(error.message, status_of(error))


def asked(audience: Audience, error: Exception, path: str = "/fail"):
    views = Blueprint("views", __name__)

    @views.get("/fail")
    def fail():
        raise error

    audience.listen_to(views)
    app = Flask(__name__)
    app.register_blueprint(views)
    return app.test_client().get(path)


PLAIN = Audience(form, lambda error: Response("http", error.code), retry_after_s=7)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("x"), 404),
        (Forbidden("x"), 403),
        (Unavailable("x"), 503),
        (Tampered("x"), 502),
        (KeyMissing("x"), 503),
        (AddonError("x"), 500),
    ],
)
def test_the_status_follows_from_the_class(error, status):
    assert status_of(error) == status
    assert asked(PLAIN, error).status_code == status


def test_only_503_says_how_long_to_wait():
    assert asked(PLAIN, Unavailable("x")).headers["Retry-After"] == "7"
    assert asked(PLAIN, SourceBusy("x", retry_after=1.2)).headers["Retry-After"] == "2"
    for error in (NotFound("x"), Tampered("x"), AddonError("x")):
        assert "Retry-After" not in asked(PLAIN, error).headers


def test_an_unforeseen_exception_is_answered_without_a_word_of_it():
    answer = asked(PLAIN, ValueError("secret"))
    assert (answer.status_code, "secret" in answer.text) == (503, False)
    blamed = Audience(form, PLAIN.http, unforeseen=AddonError)
    assert asked(blamed, ValueError("secret")).status_code == 500


def test_errors_of_the_framework_have_their_own_form():
    from werkzeug.exceptions import TooManyRequests

    answer = asked(PLAIN, TooManyRequests())
    assert (answer.status_code, answer.text) == (429, "http")


def test_other_views_of_the_app_keep_their_audience(client):
    assert client.get("/nothing").content_type == "application/problem+json"


def test_broken_uploads_do_not_fill_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    # Their loggers may have written elsewhere before, and counted.
    monkeypatch.setattr(error_answers, "logger", log.get("web"))
    monkeypatch.setattr(error_answers, "sparing_logger", SparingLogger("web"))
    with capture_logs() as lines:
        for _ in range(3 * LINES_A_MINUTE):
            assert asked(PLAIN, UploadBroken("the body came too slowly")).status_code == 503
        assert asked(PLAIN, Unavailable("ours")).status_code == 503
    # A minute may end meanwhile.
    assert LINES_A_MINUTE <= sum(line["event"] == "not taken" for line in lines) < 25
    assert lines[-1]["event"] == "not served"
