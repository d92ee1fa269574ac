"""`/flex/playback`: gives the Flex Insights Player a link to a recording (spec/protocol 6.2).

It comes from another origin with the agent's own token, which Twilio validates; nothing here is
decided by a cookie. Whenever there is no clear yes, no link is given.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

from flask import Blueprint, Response, g, request
from pydantic import Field
from werkzeug.wrappers import Response as WerkzeugResponse

from addon.errors import Forbidden, NotFound, NotStored, Unauthenticated
from addon.playback.access_log import Access
from addon.playback.tokens import NAME_LENGTH
from addon.twilio.flex_tokens import FlexUser, token_of
from addon.web import cors, problems
from addon.web.access_log import access_from_request
from addon.web.context import context
from addon.web.grants import grant_to
from addon.web.openapi.operations import Operation
from addon.web.schemas import MediaUrl

METHODS = ("GET",)
CHALLENGE = 'FlexToken realm="recordings"'
"""Not Basic: a browser would ask the agent for a password (RFC 9110 11.6.1 wants some scheme)."""

blueprint = Blueprint("flex_playback", __name__)
cors.allow_players(blueprint)


@blueprint.before_request
def validate_token() -> None:
    """Refuse whoever Twilio does not know before anything else of the request is looked at."""
    if request.method != "OPTIONS":
        token = token_of(request.headers.get("Authorization"))
        g.flex_user = context().flex_tokens.validate(token)


def valid_caller() -> str | None:
    """A name that follows from this request's token; None where Twilio has not accepted it yet."""
    try:
        token = token_of(request.headers.get("Authorization"))
    except Unauthenticated:
        return None
    if not context().flex_tokens.is_known(token):
        return None
    return hashlib.sha256(token.encode()).hexdigest()[:NAME_LENGTH]


@blueprint.route("/flex/playback", methods=METHODS, provide_automatic_options=False)
@Operation(
    "flexPlayback",
    "Twilio",
    problems=(400, 401, 403, 404, 429, 502, 503),
    security="flex",
    headers={"Origin": "One of PLAYER_ORIGINS, or a script may not read the answer."},
)
def playback(*, recording_sid: Annotated[str, Field(min_length=1, description="RE…")]) -> MediaUrl:
    """The Flex Insights Player asks where to play.

    The link is for this listener and this recording, and on record before it leaves.
    """
    user: FlexUser = g.flex_user
    _require_role(user, recording_sid)
    try:
        grant = grant_to(_access(user, recording_sid))
    except NotStored:
        raise NotFound("there is no such recording") from None
    return {"media_url": context().grants.link(grant)}


@blueprint.route("/flex/playback", methods=["OPTIONS"])
@Operation("flexPreflight", "Twilio", cors.PREFLIGHT, problems=(429,), security=None)
def playback_preflight() -> Response:
    """The browser asks this first, without credentials."""
    return cors.preflight(METHODS, ("Authorization",))


@blueprint.errorhandler(Unauthenticated)
def unauthenticated(error: Unauthenticated) -> WerkzeugResponse:
    """401, never a redirect."""
    response = problems.PROGRAMS.answer(error)
    response.headers["WWW-Authenticate"] = CHALLENGE
    return response


def _require_role(user: FlexUser, recording_sid: str) -> None:
    try:
        user.require_role(context().settings.playback_roles)
    except Forbidden as error:
        if _is_held(recording_sid):
            context().access_log.denied(_access(user, recording_sid), error.message)
        raise


def _is_held(recording_sid: str) -> bool:
    try:
        return _tenant() in context().archive.find(recording_sid)
    except NotStored:
        return False


def _access(user: FlexUser, recording_sid: str) -> Access:
    roles = ", ".join(sorted(user.roles & set(context().settings.playback_roles)))
    return access_from_request(
        _tenant(),
        (recording_sid,),
        listener=user.realm_user_id or user.identity or user.worker_sid or "unknown",
        right=f"Flex role {roles}" if roles else "Flex",
    )


def _tenant() -> str:
    return context().settings.twilio_account_sid
