"""Cross-origin answers for the players of PLAYER_ORIGINS, and for nobody else.

An origin is compared whole and reflected exactly (spec/protocol 6.2); without a match no
CORS header leaves, and the browser refuses the script.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from addon.web.context import context
from addon.web.openapi.operations import Answer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MAX_AGE_S = 600
"""How long a browser may remember a preflight; Chromium caps it at two hours."""

EXPOSED = "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Retry-After"
"""What a player's script may read besides the few headers that every script may (Fetch 3.3.5)."""

PREFLIGHT = {204: Answer("CORS headers, for the origins of PLAYER_ORIGINS.")}
"""The answer of every preflight, for /openapi.json."""

_FIELD_NAMES = re.compile(
    r"[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:[ \t]*,[ \t]*[A-Za-z0-9!#$%&'*+.^_`|~-]+)*"
)
_MAX_ECHO = 512


def allow_players(blueprint: Blueprint) -> None:
    """Give every answer of a blueprint its CORS headers."""
    blueprint.after_request(_with_cors)


def preflight(methods: Sequence[str], headers: Sequence[str]) -> Response:
    """The answer to OPTIONS: 204 without authentication, the headers asked for echoed."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    response.headers["Allow"] = ", ".join((*methods, "OPTIONS"))
    if _allowed_origin() is None:
        return response
    asked = request.headers.get("Access-Control-Request-Headers", "")[:_MAX_ECHO]
    echoed = asked if _FIELD_NAMES.fullmatch(asked) else ", ".join(headers)
    response.headers["Access-Control-Allow-Methods"] = response.headers["Allow"]
    response.headers["Access-Control-Allow-Headers"] = echoed
    response.headers["Access-Control-Max-Age"] = str(MAX_AGE_S)
    return response


def headers(environ: WSGIEnvironment, origins: Sequence[str]) -> dict[str, str]:
    """The headers that an answer gets here, for a request that may be of one of the `origins`."""
    origin = environ.get("HTTP_ORIGIN")
    if origin is None or origin not in origins:
        return {"Vary": "Origin"}
    return {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": EXPOSED,
    }


def _with_cors(response: Response) -> Response:
    given = headers(request.environ, context().settings.player_origins)
    response.vary.add(given.pop("Vary"))
    response.headers.update(given)
    return response


def _allowed_origin() -> str | None:
    origin = request.headers.get("Origin")
    return origin if origin in context().settings.player_origins else None
