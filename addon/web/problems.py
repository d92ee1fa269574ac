"""Errors as `application/problem+json` (RFC 9457), for programs.

A caller is told what follows from the class of the error and never a traceback.
"""

from __future__ import annotations

import json

from flask import Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response as WerkzeugResponse

from addon.errors import AddonError, Unauthenticated
from addon.web.context import context
from addon.web.error_answers import Audience, status_of
from addon.web.schemas import Problem

MEDIA_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="recordings"'

DETAILS = {
    404: "there is nothing at this address",
    405: "this address does not take this method",
    429: "too many requests; wait as long as Retry-After says",
}


def of_error(error: AddonError) -> Response:
    """One of our own errors."""
    response = problem(status_of(error), error.message, error)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = CHALLENGE
    return response


def of_http(error: HTTPException) -> WerkzeugResponse:
    """An error of the framework's: no such route, wrong method, too many requests."""
    status = error.code or 500
    if status < 400:
        return error.get_response(request.environ)
    response = problem(status, DETAILS.get(status, "the request could not be understood"))
    keep_headers(error, response)
    return response


def keep_headers(error: HTTPException, response: WerkzeugResponse) -> None:
    """Give the answer the methods that are allowed, and the time to wait."""
    for name, value in error.get_headers(request.environ):
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value


PROGRAMS = Audience(of_error, of_http, unforeseen=AddonError)


def problem(status: int, detail: str, error: AddonError | None = None) -> Response:
    """A problem document; with an error of ours its code, its remedy and the page about it."""
    document: Problem = {
        "type": "about:blank" if error is None else type_of(type(error)),
        "title": HTTP_STATUS_CODES.get(status, "Error"),
        "status": status,
        "detail": detail,
    }
    if error is not None:
        document["code"] = error.code
        document["remedy"] = error.remedy
    response = Response(json.dumps(document), status=status, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response


def type_of(kind: type[AddonError]) -> str:
    """The address that names a kind of error, and tells a person about it."""
    return f"{context().settings.public_url}/docs/errors#{kind.__name__}"
