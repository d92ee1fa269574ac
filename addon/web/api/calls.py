"""Calls over the API: what was recorded of one, joined on the fly into a single file."""

from __future__ import annotations

from flask import Blueprint, Response

from addon.errors import NotFound
from addon.playback.clips import clip_name
from addon.web import audio, schemas
from addon.web.access_log import refusals_logged
from addon.web.api import documents, parameters
from addon.web.api.access import api_access, tenant
from addon.web.api.links import link_to
from addon.web.context import context
from addon.web.openapi.operations import RANGE, Operation, sound


def add_to(blueprint: Blueprint) -> None:
    """Add these routes."""
    blueprint.get("/calls/<call_sid>", endpoint="call")(describe)
    blueprint.get("/calls/<call_sid>/file", endpoint="call_file")(file)
    blueprint.get("/calls/<call_sid>/file_url", endpoint="call_file_url")(file_url)


@Operation("getCall", "Calls", problems=(422,))
def describe(
    call_sid: parameters.CallSid, *, install: parameters.Install | None = None
) -> schemas.Call:
    """The recordings of a call."""
    holder = tenant(install)
    found = [
        context().archive.examined(entry) for entry in context().player.entries_of(holder, call_sid)
    ]
    if not any(found):
        raise NotFound("there is no recording of this call")
    return documents.call(call_sid, holder, [one for one in found if one is not None])


@Operation(
    "getCallFile",
    "Calls",
    sound("One WAV file of all parts, or the part asked for."),
    problems=(403, 416, 422),
    headers=RANGE,
)
def file(
    call_sid: parameters.CallSid,
    *,
    install: parameters.Install | None = None,
    file_id: parameters.FileId | None = None,
    format: parameters.Format | None = None,
    start: parameters.Start | None = None,
    stop: parameters.Stop | None = None,
) -> Response:
    """The call's audio, all parts as one.

    Parts of one format are joined untouched, others are converted to 16-bit PCM. Only what the
    ranges touch is decrypted.
    """
    clip = parameters.clip(start, stop)
    holder, player = tenant(install), context().player
    ids, call = _parts(holder, call_sid, file_id)
    told = clip and clip.seconds
    access = api_access(holder, ids, purpose="file", call_sid=call, form=format, clip_seconds=told)
    with refusals_logged(access):
        found = player.call(holder, call, clip) if call else player.recording(holder, ids[0], clip)
    return audio.logged_answer(found, access, format, clip_name(call or ids[0], clip))


@Operation("linkToCall", "Links", problems=(403, 422), scope="link")
def file_url(
    call_sid: parameters.CallSid,
    *,
    install: parameters.Install | None = None,
    file_id: parameters.FileId | None = None,
    expires: parameters.Expires = parameters.DEFAULT_EXPIRES_S,
    purpose: parameters.LinkPurpose | None = None,
    format: parameters.Format | None = None,
    start: parameters.Start | None = None,
    stop: parameters.Stop | None = None,
) -> schemas.Link:
    """A link to the call's audio that needs no token."""
    holder = tenant(install)
    ids, call = _parts(holder, call_sid, file_id)
    return link_to(holder, ids, expires, purpose, format, call, clip=parameters.clip(start, stop))


def _parts(holder: str, call_sid: str, file_id: str | None) -> tuple[tuple[str, ...], str | None]:
    """All recordings of the call, with its SID; or the one asked for, without.

    Raises NotFound where the call has none of this id.
    """
    if file_id is None:
        return tuple(context().player.recordings_of(holder, call_sid)), call_sid
    if not context().player.is_of_call(holder, call_sid, file_id):
        raise NotFound("this call has no such file")
    return (file_id,), None
