"""Route `/media/<grant>`: the audio, for everybody who presents a valid link.

Only the grant decides. No bucket, key or path comes from the client, and no cache may keep an
answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from addon.errors import Forbidden, GrantExpired, Withheld
from addon.playback.grants import Grant
from addon.web import audio, cors
from addon.web.access_log import access_by_link
from addon.web.api.parameters import Format, GrantToken
from addon.web.context import Context, context
from addon.web.direct_routes import PlainAnswer
from addon.web.openapi.operations import RANGE, Operation, sound

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

METHODS = ("GET", "HEAD")
REQUEST_HEADERS = ("Range", "If-Range", "If-None-Match")

blueprint = Blueprint("media", __name__)
cors.allow_players(blueprint)


@blueprint.route("/media/<token>", methods=METHODS, provide_automatic_options=False)
@Operation(
    "play",
    "Links",
    sound("The audio."),
    problems=(400, 403, 404, 410, 416, 422, 502, 503),
    security=None,
    headers=RANGE,
    also={"HEAD": ("lookAtAudio", "Its headers alone")},
)
def media(token: GrantToken, *, format: Format | None = None) -> Response:
    """The audio that a grant is for."""
    return _played(context(), request.environ, token, format).response()


def direct(context: Context, environ: WSGIEnvironment) -> PlainAnswer | None:
    """The same before Flask, for a player that asks for many ranges: no format, one segment."""
    token = environ["PATH_INFO"].removeprefix("/media/")
    usual = environ["REQUEST_METHOD"] in METHODS and token and "/" not in token
    if not usual or environ["QUERY_STRING"]:
        return None
    answer = _played(context, environ, token, None)
    answer.headers.update(cors.headers(environ, context.settings.player_origins))
    return answer


@blueprint.route("/media/<token>", methods=["OPTIONS"])
@Operation("mediaPreflight", "Links", cors.PREFLIGHT, security=None)
def media_preflight(token: GrantToken) -> Response:  # noqa: ARG001 - the address alone decides
    """A browser asks this before a script may send a Range."""
    return cors.preflight(METHODS, REQUEST_HEADERS)


def _played(
    context: Context, environ: WSGIEnvironment, token: str, wanted_format: Format | None
) -> PlainAnswer:
    """The audio of a link. Raises Forbidden, GrantExpired, Withheld, and what playing raises."""
    try:
        grant = context.grants.verified(token)
        _require_its_token(context, grant)
        if wanted_format is not None and grant.purpose != "download":
            raise Forbidden("this link is for listening; another format is a download")
        found = context.player.granted(grant)
        access = access_by_link(context, environ, grant, wanted_format)
        answer = audio.logged(context, environ, found, access, wanted_format, grant.file_name)
        # Only now: an answer that holds nothing of it, or an error to try again, uses nothing up.
        gives = environ["REQUEST_METHOD"] == "GET" and answer.status in (200, 206)
        if gives and grant.purpose == "download":
            context.single_use.claim(grant)
    except (GrantExpired, Forbidden, Withheld) as error:
        _note_denial(context, environ, token, error.message)
        raise
    return answer


def _require_its_token(context: Context, grant: Grant) -> None:
    """Raises Forbidden where the API token that a link was made with has ended."""
    if grant.api_token is not None and not context.tokens.is_valid(grant.api_token):
        raise Forbidden(
            "the API token that this link was made with has ended",
            remedy="Make a new link with a valid token.",
        )


def _note_denial(context: Context, environ: WSGIEnvironment, token: str, reason: str) -> None:
    """Log the refusal of a genuine link; of a forged one it is not known whose it is."""
    try:
        grant = context.grants.authentic(token)
    except Forbidden:
        return
    context.access_log.denied(access_by_link(context, environ, grant), reason)
