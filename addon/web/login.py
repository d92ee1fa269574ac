"""Signing in and out: OpenID Connect, or the local link where no issuer is set.

Whoever opens a permanent link without a session is sent through here and back to the same page. It
must never send a browser to another site that a caller named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from addon import log
from addon.errors import Forbidden, StoreUnavailable
from addon.playback.policy import LOCAL_ISSUER
from addon.web import local_sign_in, page_responses, sign_ins, sign_outs
from addon.web.context import context
from addon.web.cookies import Cookies
from addon.web.ops import is_forwarded
from addon.web.safe_redirect import safe_path
from addon.web.sign_ins import SignIn

blueprint = Blueprint("login", __name__)
page_responses.apply(blueprint)
logger = log.get("login")


@blueprint.get("/login")
def login() -> Response | str:
    """Begin: to the issuer, or to a page that says how the owner of the machine gets in."""
    to = safe_path(request.args.get("next"))
    provider = context().provider
    if provider is None:
        possible = local_sign_in.is_possible(context().settings)
        return render_template("sign_in.html", local=possible)

    asked = "login" if _cookies().asks_again(request) else context().settings.oidc_prompt

    def url(sign_in: SignIn) -> str:
        return provider.sign_in_url(
            redirect_uri=_redirect_uri(),
            state=sign_in.state,
            nonce=sign_in.nonce,
            verifier=sign_in.verifier,
            prompt=asked,
        )

    return sign_ins.begin(_cookies(), to, url)


@blueprint.get("/login/callback")
def callback() -> Response:
    """The issuer sends the browser back. Raises Forbidden for an answer nobody here asked for."""
    provider = context().provider
    if provider is None:
        raise Forbidden("Nobody signs in at an issuer here", remedy=sign_ins.AGAIN)
    code, sign_in = sign_ins.finish(_cookies())
    identity = provider.identity(
        code=code, redirect_uri=_redirect_uri(), nonce=sign_in.nonce, verifier=sign_in.verifier
    )
    if not context().policy(identity.claims, context().settings).listen:
        logger.warning("a person without rights signed in")
        raise Forbidden(
            "Your account may not listen to recordings here",
            remedy="Ask an administrator for the right, or sign in with another account.",
        )
    return _signed_in(identity.claims, sign_in.to, sign_outs.hint_of(identity))


@blueprint.get(local_sign_in.PATH)
def local() -> Response:
    """The printed link. Raises Forbidden where it was used before, or is none."""
    caller = None if is_forwarded() else request.remote_addr
    if not local_sign_in.redeem(context().settings, request.args.get("token", ""), caller):
        raise Forbidden(
            "This sign-in link was used before, or is not the latest",
            remedy="Run `flask sign-in` on this machine for a new one.",
        )
    claims = {"iss": LOCAL_ISSUER, "sub": "owner", "name": "Owner of this machine"}
    return _signed_in(claims, safe_path(request.args.get("next")))


@blueprint.post("/logout")
def logout() -> Response:
    """End the session. Other sites cannot: `page_responses` refuses their forms."""
    response = redirect("/signed-out", 303)
    token = _cookies().session(request)
    if token:
        session = context().sessions.find(token)
        _end(token)
        if session is not None and context().provider is not None:
            _cookies().ask_again(response, wanted=True)
            sign_outs.offer(_cookies(), response, session)
    _cookies().forget_session(response)
    return response


@blueprint.get("/logout/issuer")
def logout_at_issuer() -> Response:
    """Go to the issuer, which ends its own session; only for who has just signed out here."""
    offered = sign_outs.offered(_cookies())
    url = sign_outs.url(offered) if offered else None
    return redirect(url or "/signed-out")


@blueprint.get("/signed-out")
def signed_out() -> Response:
    """The end of signing out; going on to the list would sign a person in again at once."""
    offered = sign_outs.offered(_cookies())
    outcome = sign_outs.outcome(offered) if offered else None
    page = render_template("signed_out.html", issuer=outcome)
    response = make_response(page)
    if outcome == "ended":
        _cookies().forget_sign_out(response)
    return response


def _signed_in(claims: Mapping[str, Any], to: str, id_token: str | None = None) -> Response:
    before = _cookies().session(request)
    if before:
        _end(before)
    response = redirect(to)
    _cookies().remember_session(response, context().sessions.start(claims, id_token))
    if _cookies().asks_again(request):
        _cookies().ask_again(response, wanted=False)
    if _cookies().sign_out(request):
        _cookies().forget_sign_out(response)
    logger.info("signed in")
    return response


def _end(token: str) -> None:
    """End a session. That the store does not answer keeps nobody from signing out."""
    try:
        context().sessions.end(token)
    except StoreUnavailable as error:
        logger.error("that a session was ended is not in the store", reason=error.message)


def _cookies() -> Cookies:
    return Cookies.of(context().settings)


def _redirect_uri() -> str:
    return f"{context().settings.public_url}/login/callback"
