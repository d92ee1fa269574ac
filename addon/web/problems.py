"""Errors as `application/problem+json` (RFC 9457), for every surface but the Marketplace's.

What a caller is told follows from the class of the error and never from a traceback; whatever was
not foreseen is logged and answered 500 without a word about it.
"""

from __future__ import annotations

import json
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response as WerkzeugResponse

from addon import log
from addon.errors import AddonError, KeyMissing, Tampered, Unauthenticated, Unavailable

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1
CHALLENGE = 'Bearer realm="recordings"'

STATUS_BY_CLASS = {Tampered: 502, KeyMissing: 503}
"""Where a listener is told more than "internal": the store's answer was bad, or no key is here."""

logger = log.get("problems")


def register(app: Flask) -> None:
    """Answer every error that no surface answers itself."""
    app.register_error_handler(AddonError, of_error)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, of_surprise)


def of_error(error: AddonError) -> Response:
    """One of our own errors."""
    status = next(
        (found for kind, found in STATUS_BY_CLASS.items() if isinstance(error, kind)),
        error.http_status,
    )
    if status >= 500:
        logger.error("not served", code=error.code, reason=error.message)
    response = problem(status, error.message, code=error.code, remedy=error.remedy)
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = CHALLENGE
    return response


def of_http(error: HTTPException) -> WerkzeugResponse:
    """What the framework refuses: no such route, wrong method, too many requests."""
    status = error.code or 500
    if status < 400:
        return error.get_response(request.environ)
    response = problem(status, _detail(status))
    kept = {"Allow", "Retry-After"}
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    for name, value in error.get_headers(request.environ):
        if name in kept and name not in response.headers:
            response.headers[name] = value
    return response


def of_surprise(_error: Exception) -> Response:
    """Anything else is a defect of ours."""
    logger.exception("a request failed")
    return problem(500, "this should not have happened")


def problem(
    status: int, detail: str, *, code: int | None = None, remedy: str | None = None
) -> Response:
    """A problem document; `code` is the number that addon/errors.py gives each class."""
    document: dict[str, object] = {
        "type": "about:blank",
        "title": _title(status),
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


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


_DETAILS = {
    404: "there is nothing at this address",
    405: "this address does not take this method",
    429: "too many requests; wait as long as Retry-After says",
}


def _detail(status: int) -> str:
    return _DETAILS.get(status, "the request could not be understood")
