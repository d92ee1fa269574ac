"""`/ringcentral/recordings/<id>`: a permanent link to a recording that RingCentral keeps.

Whoever opens it signs in at RingCentral and hears what RingCentral lets that person hear: the
person's own token fetches every byte, through our origin. It must never give a token to a browser,
nor take a RingCentral user for somebody who may hear our own archive.
"""

from __future__ import annotations

import math
from dataclasses import replace

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from addon import log
from addon.errors import (
    AddonError,
    Forbidden,
    NotFound,
    SettingsError,
    Unauthenticated,
    Unavailable,
)
from addon.playback.ranges import Range
from addon.ringcentral.client import RingCentral
from addon.ringcentral.recordings import checked_id
from addon.web import audio, page_responses, problems, sign_ins
from addon.web.context import context
from addon.web.cookies import Cookies
from addon.web.oidc import fresh_text
from addon.web.sessions import SESSION_S, hashed
from addon.web.sign_ins import SignIn

CALLBACK = "/ringcentral/callback"
"""Behind PUBLIC_URL: the redirect URI that the app at RingCentral has to name exactly."""

blueprint = Blueprint("ringcentral", __name__, url_prefix="/ringcentral")
logger = log.get("ringcentral")


@blueprint.get("/recordings/<recording_id>")
def recording(recording_id: str) -> Response | str:
    """The page for a browser that asks for one, the sound for anybody else."""
    client, here = _client(), _link(recording_id)
    session = _session(client)
    if session is None and not page_responses.is_fetched():
        return _sign_in(client, here)
    if session is None or not page_responses.is_opened():
        return _sound(client, session, recording_id)
    known = client.recording(session, recording_id)
    return render_template(
        "ringcentral.html", recording=known, link=context().settings.public_url + here
    )


@blueprint.get("/recordings/<recording_id>/audio")
def recording_audio(recording_id: str) -> Response:
    """The audio element's source."""
    client = _client()
    _link(recording_id)
    return _sound(client, _session(client), recording_id)


@blueprint.get("/sign-in")
def sign_in() -> Response:
    """Sign in, perhaps again, and come back to `recording`: an id, never an address."""
    return _sign_in(_client(), _link(request.args.get("recording", "")))


@blueprint.get("/callback")
def callback() -> Response:
    """RingCentral sends the browser back. Raises Forbidden for an answer nobody here asked for."""
    client = _client()
    code, begun = sign_ins.finish(_cookies())
    try:
        tokens = client.oauth.exchange(
            code=code, redirect_uri=_redirect_uri(), verifier=begun.verifier
        )
    except Unauthenticated as error:
        raise Forbidden(error.message, remedy=sign_ins.AGAIN) from error
    _forget(client)
    text = fresh_text()
    client.tokens.keep(hashed(text), tokens, SESSION_S)
    response = redirect(begun.to)
    _cookies().remember_session(response, text)
    logger.info("signed in at RingCentral", user=tokens.owner)
    return response


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End the session, here and at RingCentral."""
    _forget(_client())
    response = redirect("/signed-out", 303)
    _cookies().forget_session(response)
    return response


def _form(error: AddonError) -> Response:
    """A page for people, a problem document for players, scripts and tools."""
    if not page_responses.is_opened():
        return problems.of_error(error)
    status, here = error.http_status, (request.view_args or {}).get("recording_id")
    text, button = f"{error.message}. {error.remedy}", None
    if status == 401:
        text = f"{error.message}. Sign in again to go on."
        button = ("Sign in with RingCentral", f"/ringcentral/sign-in?recording={here}")
    elif status in (403, 503):
        button = ("Try again", f"/ringcentral/recordings/{here}")
    if status == 503 and error.retry_after:
        wait = math.ceil(error.retry_after)
        text = f"{error.message}. Please try again in {wait} seconds."
    response = page_responses.error_page(error, text, button if here else None)
    if status == 401:
        _cookies().forget_session(response)
    return response


page_responses.apply(blueprint, replace(page_responses.PEOPLE, form=_form))


def _sound(client: RingCentral, session: str | None, recording_id: str) -> Response:
    """The recording or its part. Raises Unauthenticated, and what RingCentral's answer means."""
    if session is None:
        raise Unauthenticated("You are not signed in at RingCentral, or your session has ended")
    content = client.content(session, recording_id)
    try:
        response = audio.answer(content, heard=_heard(recording_id))
    except BaseException:
        content.close()
        raise
    response.call_on_close(content.close)
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Vary"] = "Accept, Cookie"
    return response


def _heard(recording_id: str) -> audio.Heard:
    def note(ranges: list[Range]) -> None:
        sent = sum(one.length for one in ranges)
        if sent:
            logger.info("played", recording=recording_id, sent_bytes=sent)

    return note


def _session(client: RingCentral) -> str | None:
    """The name of this browser's session, its tokens fresh; None where there is none (any more)."""
    text = _cookies().session(request)
    if text is None:
        return None
    try:
        client.person(hashed(text))
    except Unauthenticated:
        return None
    return hashed(text)


def _sign_in(client: RingCentral, to: str) -> Response:
    def url(sign_in: SignIn) -> str:
        return client.oauth.sign_in_url(
            redirect_uri=_redirect_uri(), state=sign_in.state, verifier=sign_in.verifier
        )

    return sign_ins.begin(_cookies(), to, url)


def _forget(client: RingCentral) -> None:
    text = _cookies().session(request)
    if text is not None:
        client.sign_out(hashed(text))


def _client() -> RingCentral:
    """Raises NotFound where RingCentral is not in use, Unavailable where a secret is missing."""
    try:
        client = context().ringcentral
    except SettingsError as error:
        raise Unavailable(error.message) from error
    if client is None:
        raise NotFound("RingCentral is not in use here")
    return client


def _link(recording_id: str) -> str:
    """The path of a recording's permanent link. Raises NotFound for an impossible id."""
    return f"/ringcentral/recordings/{checked_id(recording_id)}"


def _redirect_uri() -> str:
    return f"{context().settings.public_url}{CALLBACK}"


def _cookies() -> Cookies:
    return Cookies.of(context().settings, kind="ringcentral")
