"""Route `/media/<grant>`: the audio, for everybody who presents a valid link.

Only the grant decides. No bucket, key or path comes from the client, and no cache may keep an
answer.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from addon.errors import Forbidden, GrantExpired, Withheld
from addon.playback.grants import Grant
from addon.web import audio, cors
from addon.web.access_log import access_by_link
from addon.web.api.parameters import Format, GrantToken
from addon.web.context import context
from addon.web.openapi.operations import RANGE, Operation, sound

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
    try:
        grant = context().grants.verified(token)
        _require_its_token(grant)
        if format is not None and grant.purpose != "download":
            raise Forbidden("this link is for listening; another format is a download")
        found = context().player.granted(grant)
        answer = audio.logged_answer(found, access_by_link(grant, format), format, grant.subject)
        # Only now: an answer that holds nothing of it, or an error to try again, uses nothing up.
        if _gives(answer) and grant.purpose == "download":
            context().single_use.claim(grant)
    except (GrantExpired, Forbidden, Withheld) as error:
        _note_denial(token, error.message)
        raise
    return answer


@blueprint.route("/media/<token>", methods=["OPTIONS"])
@Operation("mediaPreflight", "Links", cors.PREFLIGHT, security=None)
def media_preflight(token: GrantToken) -> Response:  # noqa: ARG001 - the address alone decides
    """A browser asks this before a script may send a Range."""
    return cors.preflight(METHODS, REQUEST_HEADERS)


def _require_its_token(grant: Grant) -> None:
    """Raises Forbidden where the API token that a link was made with has ended."""
    if grant.api_token is not None and not context().tokens.is_valid(grant.api_token):
        raise Forbidden(
            "the API token that this link was made with has ended",
            remedy="Make a new link with a valid token.",
        )


def _gives(answer: Response) -> bool:
    return request.method == "GET" and answer.status_code in (200, 206)


def _note_denial(token: str, reason: str) -> None:
    """Log the refusal of a genuine link; of a forged one it is not known whose it is."""
    try:
        grant = context().grants.authentic(token)
    except Forbidden:
        return
    context().access_log.denied(access_by_link(grant), reason)
