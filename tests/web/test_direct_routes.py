"""Direct routes: a view before Flask answers, leaves it to Flask, or fails like one of Flask's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, Response

from addon.errors import NotStored
from addon.web import problems
from addon.web.connections.turns import Grouped
from addon.web.context import EXTENSION
from addon.web.direct_routes import DirectRoutes, PlainAnswer

CONTEXT: Any = SimpleNamespace(settings=SimpleNamespace(public_url="https://media.example.com"))


@pytest.fixture
def app() -> Flask:
    """An app with one address that Flask answers, below it and beside it ours."""
    app = Flask(__name__)
    app.extensions[EXTENSION] = CONTEXT
    app.add_url_rule("/<path:anything>", "anything", lambda anything: f"Flask: {anything}")
    app.after_request(_marked)
    problems.PROGRAMS.listen_to(app)
    views = {"ours": _view}
    app.wsgi_app = DirectRoutes(app, views, {"X-Everywhere": "1"}, Grouped())  # type: ignore[method-assign]
    return app


def _marked(response: Response) -> Response:
    response.headers["X-Everywhere"] = "1"
    return response


def _view(context: Any, environ: Any) -> PlainAnswer | None:
    assert context is CONTEXT
    path = environ["PATH_INFO"]
    if path.endswith("stored"):
        raise NotStored("there is nothing")
    if path.endswith("defect"):
        raise ZeroDivisionError
    return PlainAnswer(206, {"X-Own": "2"}, [b"plain"]) if path.endswith("plain") else None


def test_a_plain_answer_has_its_headers_and_those_of_every_answer(app):
    answer = app.test_client().get("/ours/plain")
    assert (answer.status, answer.data) == ("206 Partial Content", b"plain")
    assert (answer.headers["X-Own"], answer.headers["X-Everywhere"]) == ("2", "1")


@pytest.mark.parametrize("path", ["/ours/x", "/ours", "/oursplain", "/other/plain", "//ours/plain"])
def test_what_a_view_leaves_alone_is_flasks(app, path):
    assert app.test_client().get(path).data.decode().startswith("Flask: ")


@pytest.mark.parametrize(("path", "status"), [("/ours/stored", 404), ("/ours/defect", 500)])
def test_an_error_is_answered_as_one_of_flasks_views(app, path, status):
    answer = app.test_client().get(path)
    assert (answer.status_code, answer.headers["X-Everywhere"]) == (status, "1")
    assert answer.content_type == problems.MEDIA_TYPE


def test_a_view_of_flask_returns_the_same_answer(app):
    response = PlainAnswer(206, {"X-Own": "2"}, [b"plain"]).response()
    assert (response.status_code, response.headers["X-Own"], response.data) == (206, "2", b"plain")


def test_a_path_of_nothing_is_flasks(app):
    seen: list[str] = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "", "SERVER_NAME": "x", "SERVER_PORT": "1"}
    environ |= {"wsgi.url_scheme": "http", "SERVER_PROTOCOL": "HTTP/1.1"}  # type: ignore[dict-item]
    app.wsgi_app(environ, lambda status, headers, error=None: seen.append(status))
    assert seen == ["404 NOT FOUND"] or seen[0].startswith("308")
