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
    response = problem(status_of(error), error.message, code=error.code, remedy=error.remedy)
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


def problem(
    status: int, detail: str, *, code: int | None = None, remedy: str | None = None
) -> Response:
    """A problem document; `code` is the number that addon/errors.py gives each class."""
    document: Problem = {
        "type": "about:blank",
        "title": HTTP_STATUS_CODES.get(status, "Error"),
        "status": status,
        "detail": detail,
    }
    if code is not None:
        document["code"] = code
    if remedy is not None:
        document["remedy"] = remedy
    response = Response(json.dumps(document), status=status, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response
