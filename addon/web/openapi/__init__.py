"""`/openapi.json` and `/docs/api/reference`: one description, for programs and for people.

It is written by hand and held against the code by tests: every route, every parameter and every
status that can be answered is in it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Blueprint, Response, jsonify, render_template

from addon.web import page_responses
from addon.web.context import context
from addon.web.openapi.parts import SCHEMAS, SECURITY
from addon.web.openapi.paths import PATHS, TAGS

VERSION = "1.0.0"

DESCRIPTION = """\
Recordings of calls, encrypted at rest and decrypted for whoever may hear them.

Tokens are issued on the server with `flask tokens issue`, for one install or for all of them; what
belongs to another install answers 404. Errors are problem documents (RFC 9457) whose `code` stays
the same from release to release. Audio is answered by byte ranges (RFC 9110), and a connection that
breaks before Content-Length means that the rest could not be verified."""

blueprint = Blueprint("openapi", __name__)
docs = Blueprint("api_docs", __name__)
page_responses.apply(docs)


@blueprint.get("/openapi.json")
def openapi_json() -> Response:
    """The document; any origin may read it, there is nothing secret in it."""
    response = jsonify(document(context().settings.public_url))
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@docs.get("/docs/api/reference")
def api_reference() -> str:
    """The document as a page, without a line from another host."""
    return render_template("api.html", api=document(context().settings.public_url))


blueprint.register_blueprint(docs)


@cache
def document(server: str) -> dict[str, Any]:
    """OpenAPI 3.1 for a service at `server`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Recordings",
            "version": VERSION,
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server}],
        "tags": TAGS,
        "paths": PATHS,
        "components": {"schemas": SCHEMAS, "securitySchemes": SECURITY},
    }
