"""Headers and error pages that all pages for people have in common.

The Content-Security-Policy lets nothing in from other hosts and no inline script or style run. A
stranger must never see a traceback or a bare 500 here.
"""

from __future__ import annotations

import secrets

from flask import Blueprint, g, redirect, render_template, request
from flask import Response as FlaskResponse
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from addon.errors import AddonError, Unauthenticated
from addon.web.error_answers import Audience, status_of
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
    400: "Not understood",
    401: "Please sign in",
    403: "Not allowed",
    404: "Not found",
    409: "Not possible now",
    410: "No longer valid",
    422: "Not playable",
    502: "Not shown",
    503: "Just a moment",
}


UNAVAILABLE = (
    "The service cannot answer this just now. Nothing is lost; please try again in a moment."
)


def apply(blueprint: Blueprint, audience: Audience | None = None) -> None:
    """Give a blueprint of pages its headers and its error pages, or those of another audience."""
    blueprint.before_request(_make_nonce)
    blueprint.after_request(_with_headers)
    (audience or PEOPLE).listen_to(blueprint)


def is_fetched() -> bool:
    """True if a script or an audio element asks, which a page in answer would not help."""
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


def _form(error: AddonError) -> Response:
    """A page; whoever is not signed in is sent to do so, and back."""
    if isinstance(error, Unauthenticated) and request.method == "GET" and not is_fetched():
        return redirect(sign_in_path(request.full_path.rstrip("?")))
    text = f"{error.message}. {error.remedy}"
    if status_of(error) not in TITLES or status_of(error) == 503:
        text = UNAVAILABLE
    return error_page(error, text, ("All recordings", "/recordings"))


def error_page(error: AddonError, text: str, button: tuple[str, str] | None) -> Response:
    """The page of an error: a text, and a button by its label and address."""
    status = status_of(error)
    status = status if status in TITLES else 503
    page = render_template(
        "error.html", title=TITLES[status], status=status, code=error.code, text=text, button=button
    )
    return FlaskResponse(page, status)


PEOPLE = Audience(_form, HTTPException.get_response, retry_after_s=5)
