"""Route `/media/<grant>`: the audio, for everybody who presents a valid link.

Only the grant decides. No bucket, key or path comes from the client, and no cache may keep an
answer.
"""

from __future__ import annotations

from typing import get_args

from flask import Blueprint, Response, request

from addon.errors import Forbidden, GrantExpired, InvalidParameter, Withheld
from addon.playback.encoded import EncodedFormat
from addon.playback.grants import Grant
from addon.web import audio, cors
from addon.web.access_log import access_by_link
from addon.web.context import context

METHODS = ("GET", "HEAD")
REQUEST_HEADERS = ("Range", "If-Range", "If-None-Match")

blueprint = Blueprint("media", __name__)
cors.allow_players(blueprint)


@blueprint.route("/media/<token>", methods=METHODS, provide_automatic_options=False)
def media(token: str) -> Response:
    """The audio that the grant names (spec/interfaces 4)."""
    try:
        grant = context().grants.verified(token)
        wanted = _format(grant)
        playable = context().player.granted(grant)
        answer = audio.logged_answer(playable, access_by_link(grant, wanted), wanted, grant.subject)
        # Only now: an answer that holds nothing of it, or an error to try again, uses nothing up.
        if _gives(answer) and grant.purpose == "download":
            context().single_use.claim(grant)
    except (GrantExpired, Forbidden, Withheld) as error:
        _note_denial(token, error.message)
        raise
    return answer


@blueprint.route("/media/<token>", methods=["OPTIONS"])
def media_preflight(token: str) -> Response:  # noqa: ARG001 - the address alone decides
    """CORS preflight, asked by a browser before a script may send a Range."""
    return cors.preflight(METHODS, REQUEST_HEADERS)


def _format(grant: Grant) -> EncodedFormat | None:
    """The format asked for. Raises Forbidden with a link that is for listening only."""
    text = request.args.get("format")
    if text is None:
        return None
    if grant.purpose != "download":
        raise Forbidden("this link is for listening; another format is a download")
    for known in get_args(EncodedFormat):
        if text == known:
            wanted: EncodedFormat = known
            return wanted
    raise InvalidParameter("format: not one of flac, mp3, opus")


def _gives(answer: Response) -> bool:
    return request.method == "GET" and answer.status_code in (200, 206)


def _note_denial(token: str, reason: str) -> None:
    """Log the refusal of a genuine link; of a forged one it is not known whose it is."""
    try:
        grant = context().grants.authentic(token)
    except Forbidden:
        return
    context().access_log.denied(access_by_link(grant), reason)
