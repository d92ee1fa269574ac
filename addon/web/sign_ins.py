"""A sign-in at another host: begun here, and its answer matched to the browser that began it."""

from __future__ import annotations

from collections.abc import Callable

from flask import redirect, request
from werkzeug.wrappers import Response

from addon.errors import Forbidden
from addon.web.context import context
from addon.web.oidc import fresh_text
from addon.web.sessions import Cookies, SignIn, hashed

AGAIN = "Open the link again and sign in anew."


def begin(cookies: Cookies, to: str, url: Callable[[str, SignIn], str]) -> Response:
    """Send the browser to the `url` of a state and a sign-in, which ends at our page `to`."""
    state, browser = fresh_text(), cookies.browser(request) or fresh_text()
    sign_in = SignIn(browser=hashed(browser), nonce=fresh_text(), verifier=fresh_text(), to=to)
    response = redirect(url(state, sign_in))
    context().sessions.expect(cookies.state_prefix + state, sign_in)
    cookies.remember_browser(response, browser)
    return response


def finish(cookies: Cookies) -> tuple[str, SignIn]:
    """The code of the answer, and the sign-in that it belongs to.

    Raises Forbidden for an answer that nobody here asked for, or without a code.
    """
    browser, state = cookies.browser(request), request.args.get("state", "")
    known = browser and state
    begun = context().sessions.take(cookies.state_prefix + state, browser or "") if known else None
    if begun is None:
        text = "This sign-in was not begun in this browser, or too long ago"
        raise Forbidden(text, remedy=AGAIN)
    code = request.args.get("code")
    if code is None:
        raise Forbidden("You were not signed in", remedy="Open the link again to try anew.")
    return code, begun
