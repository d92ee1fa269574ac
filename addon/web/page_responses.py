"""Headers and error pages that all pages for people have in common.

The Content-Security-Policy lets nothing in from other hosts and no inline script or style run. A
stranger must never see a traceback or a bare 500 here.
"""

from __future__ import annotations

import secrets

from flask import Blueprint, g, redirect, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from addon import log
from addon.errors import AddonError, Unauthenticated, Unavailable
from addon.web.problems import STATUS_BY_CLASS
from addon.web.safe_redirect import sign_in_path

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; media-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
"""The nonce is for the one style sheet that wavesurfer.js writes into its shadow tree."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

TITLES = {
    401: "Please sign in",
    403: "Not allowed",
    404: "Not found",
    409: "Not possible now",
    410: "No longer valid",
    502: "Not shown",
    503: "Just a moment",
}

logger = log.get("pages")


def apply(blueprint: Blueprint) -> None:
    """Give a blueprint of pages its headers and its error pages."""
    blueprint.before_request(_make_nonce)
    blueprint.after_request(_with_headers)
    blueprint.register_error_handler(AddonError, _answer)
    blueprint.register_error_handler(Exception, _unforeseen)


def is_fetched() -> bool:
    """Whether a script or an audio element asks, which a page in answer would not help."""
    return request.headers.get("Sec-Fetch-Dest", "document") not in ("document", "iframe")


def _make_nonce() -> None:
    g.nonce = secrets.token_urlsafe(16)


def _with_headers(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", POLICY.format(nonce=g.get("nonce", "")))
    if request.endpoint and not request.endpoint.endswith(".static"):
        response.headers.setdefault("Cache-Control", "no-store")
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _answer(error: AddonError) -> Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """An error as a page; whoever is not signed in is sent to do so, and back."""
    if isinstance(error, Unauthenticated) and request.method == "GET" and not is_fetched():
        return redirect(sign_in_path(request.full_path.rstrip("?")))
    by_class = (code for kind, code in STATUS_BY_CLASS.items() if isinstance(error, kind))
    status = next(by_class, error.http_status)
    status = status if status in TITLES else 503
    if status >= 500:
        logger.error("a page failed", code=error.code, reason=error.message)
    page = render_template("error.html", title=TITLES[status], status=status, error=error)
    return (page, status, {"Retry-After": "5"}) if status == 503 else (page, status)


def _unforeseen(error: Exception) -> Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    if isinstance(error, HTTPException):
        return error.get_response()
    logger.exception("a page failed")
    return _answer(Unavailable("This page could not be made just now"))
