"""`/flex/playback`: gives the Flex Insights Player a link to a recording (spec/protocol 6.2).

It comes from another origin with the agent's own token, which Twilio validates; nothing here is
decided by a cookie. Whenever there is no clear yes, no link is given.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from addon.errors import Forbidden, InvalidParameter, NotFound, NotStored, Unauthenticated
from addon.playback.access_log import Access
from addon.playback.policy import Audible
from addon.twilio.flex_tokens import FlexUser, token_of
from addon.web import cors, problems
from addon.web.access_log import access_from_request, refusals_logged
from addon.web.context import context

METHODS = ("GET",)
CHALLENGE = 'FlexToken realm="recordings"'
"""Not Basic: a browser would ask the agent for a password (RFC 9110 11.6.1 wants some scheme)."""

blueprint = Blueprint("flex_playback", __name__)
cors.allow_players(blueprint)


@blueprint.route("/flex/playback", methods=METHODS, provide_automatic_options=False)
def playback() -> Response:
    """A link for this listener to this recording, on record before it leaves."""
    user = context().flex_tokens.validate(token_of(request.headers.get("Authorization")))
    recording_sid = request.args.get("recording_sid", "")
    if not recording_sid:
        raise InvalidParameter("recording_sid: which recording is to be played")
    _require_role(user, recording_sid)
    with refusals_logged(_access(user, recording_sid)):
        manifest = _manifest(recording_sid)
    grant = context().grants.issue(
        manifest.tenant,
        recording_id=recording_sid,
        listener=_name(user),
        duration_seconds=manifest.facts.duration_seconds,
    )
    link = context().grants.link(grant)
    context().access_log.granted(
        _access(user, recording_sid, grant=grant.nonce), expires=grant.expires
    )
    response = jsonify(media_url=link)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.route("/flex/playback", methods=["OPTIONS"])
def playback_preflight() -> Response:
    """What the browser asks first, without credentials."""
    return cors.preflight(METHODS, ("Authorization",))


@blueprint.errorhandler(Unauthenticated)
def unauthenticated(error: Unauthenticated) -> Response:
    """401, never a redirect."""
    response = problems.of_error(error)
    response.headers["WWW-Authenticate"] = CHALLENGE
    return response


def _require_role(user: FlexUser, recording_sid: str) -> None:
    try:
        user.require_role(context().settings.playback_roles)
    except Forbidden as error:
        if _is_held(recording_sid):
            context().access_log.denied(_access(user, recording_sid), error.message)
        raise


def _manifest(recording_sid: str) -> Audible:
    """The recording in our own Flex account. Raises NotFound, Withheld."""
    try:
        return context().player.audible(_tenant(), recording_sid)
    except NotStored:
        raise NotFound("there is no such recording") from None


def _is_held(recording_sid: str) -> bool:
    try:
        return _tenant() in context().archive.find(recording_sid)
    except NotStored:
        return False


def _access(user: FlexUser, recording_sid: str, grant: str | None = None) -> Access:
    roles = ", ".join(sorted(user.roles & set(context().settings.playback_roles)))
    return access_from_request(
        _tenant(),
        (recording_sid,),
        listener=_name(user),
        right=f"Flex role {roles}" if roles else "Flex",
        grant=grant,
    )


def _name(user: FlexUser) -> str:
    return user.realm_user_id or user.identity or user.worker_sid or "unknown"


def _tenant() -> str:
    return context().settings.twilio_account_sid
