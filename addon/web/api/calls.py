"""Calls over the API: what was recorded of one, joined on the fly into a single file."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from addon.archive.manifest import Manifest
from addon.errors import NotFound, NotStored
from addon.web import audio
from addon.web.access_log import refusals_logged
from addon.web.api import documents, parameters
from addon.web.api.access import api_access, tenant
from addon.web.api.links import link_to
from addon.web.context import context


def add_to(blueprint: Blueprint) -> None:
    """Add these routes."""
    blueprint.get("/calls/<call_sid>", endpoint="call")(describe)
    blueprint.get("/calls/<call_sid>/file", endpoint="call_file")(file)
    blueprint.get("/calls/<call_sid>/file_url", endpoint="call_file_url")(file_url)


def describe(call_sid: str) -> Response:
    """What was recorded of a call."""
    holder = tenant()
    manifests = _manifests(holder, call_sid)
    response = jsonify(documents.call(call_sid, holder, manifests))
    response.headers["Cache-Control"] = "no-store"
    return response


def file(call_sid: str) -> Response:
    """All parts as one WAV file by ranges, or the one that `file_id` names."""
    holder, wanted = tenant(), parameters.encoded_format()
    picked = _picked(holder, call_sid)
    if picked is not None:
        access = api_access(holder, (picked,), purpose="file", form=wanted)
        with refusals_logged(access):
            playable = context().player.recording(holder, picked)
        return audio.logged_answer(playable, access, wanted, picked)
    ids = tuple(context().player.recordings_of(holder, call_sid))
    access = api_access(holder, ids, purpose="file", call_sid=call_sid, form=wanted)
    with refusals_logged(access):
        playable = context().player.call(holder, call_sid)
    return audio.logged_answer(playable, access, wanted, call_sid)


def file_url(call_sid: str) -> Response:
    """A link to the joined audio, or to the part that `file_id` names."""
    holder = tenant()
    picked = _picked(holder, call_sid)
    if picked is not None:
        found = link_to(holder, (picked,), recording_id=picked)
    else:
        ids = tuple(context().player.recordings_of(holder, call_sid))
        found = link_to(holder, ids, call_sid=call_sid)
    response = jsonify(found)
    response.headers["Cache-Control"] = "no-store"
    return response


def _picked(holder: str, call_sid: str) -> str | None:
    """The part asked for. Raises NotFound where the call has none of this id."""
    file_id = request.args.get("file_id")
    if file_id is not None and file_id not in context().player.recordings_of(holder, call_sid):
        raise NotFound("this call has no such file")
    return file_id


def _manifests(holder: str, call_sid: str) -> list[Manifest]:
    found = []
    for recording_id in context().player.recordings_of(holder, call_sid):
        try:
            found.append(context().archive.manifest(holder, recording_id))
        except NotStored:
            continue
    return sorted(found, key=lambda manifest: (manifest.at, manifest.recording_id))
