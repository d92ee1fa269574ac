"""A client that holds every answer against /openapi.json: status, content type and document."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from addon.web.blueprints import BLUEPRINTS
from addon.web.openapi import document


def _document() -> dict[str, Any]:
    app = Flask(__name__)
    for module in BLUEPRINTS:
        app.register_blueprint(module.blueprint)
    return document(app, "https://hooks.example.net")


API = _document()

JSON = ("application/json", "application/problem+json")


def operation_of(path: str, method: str) -> dict[str, Any] | None:
    """What the document says of a request, None where it knows no such address."""
    for template, methods in API["paths"].items():
        if re.fullmatch(re.sub(r"\\{[a-z_]+\\}", "[^/]+", re.escape(template)), path):
            known = methods.get(method.lower())
            return methods.get("get") if known is None and method == "HEAD" else known
    return None


def check(path: str, method: str, answer: TestResponse) -> None:
    """Fails where an answer is not documented."""
    operation = operation_of(path, method)
    if operation is None:
        assert answer.status_code in (404, 405, 308), (method, path, answer.status)
        return
    found = operation["responses"].get(str(answer.status_code))
    assert found is not None, f"{method} {path} answered an undocumented {answer.status}"
    content = found.get("content")
    if content is None:
        assert not answer.data, f"{answer.status} has a body that is not documented"
        return
    if "text/html" in answer.request.headers.get("Accept", "") and answer.mimetype == "text/html":
        assert answer.status_code >= 400  # the description says it of every error
        return
    kinds = {kind: schema["schema"] for kind, schema in content.items()}
    general = answer.mimetype.partition("/")[0] + "/*"
    assert answer.mimetype in kinds or general in kinds, (path, answer.mimetype, list(kinds))
    if answer.mimetype in JSON and answer.data:
        schema = kinds[answer.mimetype] | {"components": API["components"]}
        Draft202012Validator(schema).validate(answer.get_json())


class DocumentedClient(FlaskClient):
    """Checks each answer as it comes."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        kwargs.setdefault("buffered", True)
        answer = super().open(*args, **kwargs)
        check(answer.request.path, answer.request.method, answer)
        return answer
