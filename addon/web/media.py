"""`/media/<grant>`: the audio itself, for whoever holds a grant that still holds.

The grant is the only thing believed here. Nothing of a bucket, a key or a path comes from the
client, and no answer may be kept by a cache.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from addon.playback.grants import Grant
from addon.playback.sound import Sound
from addon.web import audio, cors
from addon.web.context import context

METHODS = ("GET", "HEAD")
REQUEST_HEADERS = ("Range", "If-Range", "If-None-Match")

blueprint = Blueprint("media", __name__)
cors.allow_players(blueprint)


@blueprint.route("/media/<token>", methods=METHODS, provide_automatic_options=False)
def media(token: str) -> Response:
    """What the grant is for (contract 4)."""
    grant = context().grants.verified(token)
    sound = context().player.granted(grant)
    if grant.purpose == "download" and request.method == "GET":
        context().single_use.claim(grant)
    return audio.answer(sound, heard=lambda _: None, attachment=_file_name(grant, sound))


@blueprint.route("/media/<token>", methods=["OPTIONS"])
def media_preflight(token: str) -> Response:  # noqa: ARG001 - the address alone decides
    """What a browser asks before a script may send a Range."""
    return cors.preflight(METHODS, REQUEST_HEADERS)


def _file_name(grant: Grant, sound: Sound) -> str | None:
    return f"{grant.subject}.{sound.format}" if grant.purpose == "download" else None
