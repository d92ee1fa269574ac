"""Headers, compression and error pages that all pages for people have in common.

The Content-Security-Policy lets nothing in from other hosts and no inline script or style run. A
stranger must never see a traceback or a bare 500 here.
"""

from __future__ import annotations

import secrets

from flask import Blueprint, Flask, g, redirect, render_template, request
from flask import Response as FlaskResponse
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from addon.errors import AddonError, Unauthenticated
from addon.web import compression, problems
from addon.web.current_user import User, current_user
from addon.web.error_answers import Audience, status_of
from addon.web.safe_redirect import sign_in_path
from addon.web.same_origin import require_same_origin

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
    405: "Not possible",
    409: "Not possible now",
    410: "No longer valid",
    422: "Not playable",
    429: "Too many requests",
    502: "Not shown",
    503: "Just a moment",
}


UNAVAILABLE = (
    "The service cannot answer this just now. Nothing is lost; please try again in a moment."
)


HOME_BUTTON = ("All recordings", "/recordings")

PROGRAMS_ONLY = ("/api/", "/flex/", "/recording-analysis")
"""Addresses whose errors are problem documents, whoever asks."""


def apply(blueprint: Blueprint, audience: Audience | None = None) -> None:
    """Give a blueprint of pages its headers and its error pages, or those of another audience."""
    blueprint.before_request(_make_nonce)
    blueprint.before_request(_refuse_foreign_forms)
    blueprint.after_request(_with_headers)
    compression.apply(blueprint)
    (audience or PEOPLE).listen_to(blueprint)


def apply_to_rest(app: Flask) -> None:
    """Answer the errors of every other address: wrong ones, links to audio, the API."""
    Audience(_form_for_caller, _http_for_caller, unforeseen=AddonError).listen_to(app)


def is_fetched() -> bool:
    """True if a script or an audio element asks, which a page in answer would not help."""
    return request.headers.get("Sec-Fetch-Dest", "document") not in ("document", "iframe")


def is_opened() -> bool:
    """True if a browser is on its way to a page. Players, scripts and tools take anything."""
    takes_pages = "text/html" in request.headers.get("Accept", "")
    return takes_pages and "Range" not in request.headers and not is_fetched()


def _refuse_foreign_forms() -> None:
    """Raises Forbidden: whatever a form changes, a page of ours has to have sent it."""
    if request.method == "POST":
        require_same_origin()


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
    return error_page(error, text, HOME_BUTTON)


def error_page(error: AddonError, text: str, button: tuple[str, str] | None) -> Response:
    """The page of an error: a text, and a button by its label and address."""
    return _page(status_of(error), text, button, error.code)


def _http(error: HTTPException) -> Response:
    """The page of an error of the framework's; a redirect stays one."""
    if (error.code or 500) < 400:
        return error.get_response(request.environ)
    detail = problems.DETAILS.get(error.code or 500, "the request could not be understood")
    page = _page(error.code or 500, f"{detail[0].upper()}{detail[1:]}.", HOME_BUTTON, None)
    problems.keep_headers(error, page)
    return page


def _page(status: int, text: str, button: tuple[str, str] | None, code: int | None) -> Response:
    status = status if status in TITLES else 503
    page = render_template(
        "error.html",
        user=_user(),
        title=TITLES[status],
        status=status,
        code=code,
        text=text,
        button=button,
    )
    response = FlaskResponse(page, status, {"Cache-Control": "no-store"})
    return _with_headers(response)


def _user() -> User | None:
    """The user whose account an error page shows too, where that can be known."""
    try:
        return current_user()
    except AddonError:
        return None


def _form_for_caller(error: AddonError) -> Response:
    """A page for whoever opened a link in a browser, a problem document for everybody else."""
    return _form(error) if _is_for_people() else problems.of_error(error)


def _http_for_caller(error: HTTPException) -> Response:
    return _http(error) if _is_for_people() else problems.of_http(error)


def _is_for_people() -> bool:
    return is_opened() and not request.path.startswith(PROGRAMS_ONLY)


PEOPLE = Audience(_form, _http, retry_after_s=5)
