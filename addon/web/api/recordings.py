"""Recordings over the API: list, describe, hear, link to, draw, follow up, erase."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, Response, jsonify, request

from addon.archive import index
from addon.archive.access_log import AccessLog
from addon.archive.names import LAST, Entry
from addon.errors import InvalidParameter, NotFound, NotStored
from addon.playback import direct
from addon.web import audio
from addon.web.access_log import refusals_logged
from addon.web.api import documents, parameters
from addon.web.api.access import api_access, holder_of, tenant, token
from addon.web.api.links import link_to
from addon.web.api.waveform import waveform_of
from addon.web.context import context

MAX_REASON = 200
MAX_EVENTS = 1000
"""The first so many events of an access log: one recording hardly ever has more."""


def add_to(blueprint: Blueprint) -> None:
    """Add these routes."""
    blueprint.get("/recordings")(listing)
    blueprint.get("/recordings/<recording_id>")(describe)
    blueprint.delete("/recordings/<recording_id>")(erase)
    blueprint.get("/recordings/<recording_id>/file")(file)
    blueprint.get("/recordings/<recording_id>/file_url")(file_url)
    blueprint.get("/recordings/<recording_id>/peaks")(peaks)
    blueprint.get("/recordings/<recording_id>/audit")(audit)


def listing() -> Response:
    """A page of recordings in the order of time."""
    shown = token()
    everywhere = shown.install is None and "install" not in request.args
    call_sid, day = request.args.get("call_sid"), parameters.day()
    if call_sid is not None and day is not None:
        raise InvalidParameter("date: a call is listed whole")
    place, limit = parameters.cursor(), parameters.limit()
    try:
        if everywhere and call_sid is None:
            entries, place = _of_all(place, limit)
        else:
            page = context().archive.list(
                tenant(), day=day, call_sid=call_sid, cursor=place, limit=limit
            )
            entries, place = list(page.entries), page.cursor
    except NotStored:
        raise InvalidParameter("cursor, install or call_sid: no such thing can exist") from None
    found = [document for entry in entries if (document := _listed(entry))]
    return _fresh(jsonify(recordings=found, next_cursor=parameters.opaque(place)))


def describe(recording_id: str) -> Response:
    """One recording, with its analysis."""
    manifest = context().archive.manifest(holder_of(recording_id), recording_id)
    return _fresh(jsonify(documents.recording(manifest) | documents.analysis(manifest)))


def erase(recording_id: str) -> Response:
    """Remove a recording for good."""
    holder = holder_of(recording_id)
    reason = request.args.get("reason", "asked for over the API")
    if len(reason) > MAX_REASON or not reason.isprintable():
        raise InvalidParameter(f"reason: more than {MAX_REASON} characters, or not printable")
    context().archive.erase(holder, recording_id, by=f"API token {token().name}", reason=reason)
    return Response(status=204)


def file(recording_id: str) -> Response:
    """The audio, by ranges; or as FLAC, MP3 or Opus."""
    holder, wanted = holder_of(recording_id), parameters.encoded_format()
    access = api_access(holder, (recording_id,), purpose="file", form=wanted)
    with refusals_logged(access):
        playable = context().player.recording(holder, recording_id)
    return audio.logged_answer(playable, access, wanted, recording_id)


def file_url(recording_id: str) -> Response:
    """A link to the audio that needs no token, or the ciphertext's own address."""
    holder = holder_of(recording_id)
    if parameters.direct():
        return _direct(holder, recording_id)
    return _fresh(jsonify(link_to(holder, (recording_id,), recording_id=recording_id)))


def peaks(recording_id: str) -> Response:
    """The waveform, as audiowaveform's version 2."""
    holder = holder_of(recording_id)
    return _fresh(jsonify(waveform_of(context().archive, context().player, holder, recording_id)))


def audit(recording_id: str) -> Response:
    """A recording's access log; an erased one keeps its own."""
    try:
        holder = holder_of(recording_id)
    except NotFound:
        holder = _once_held(recording_id)
    events: list[dict[str, Any]] = []
    for event in AccessLog(context().store).events(holder, recording_id):
        events.append(event)
        if len(events) == MAX_EVENTS:
            break
    return _fresh(jsonify(id=recording_id, events=events))


def _of_all(place: str | None, limit: int) -> tuple[list[Entry], str | None]:
    """A page over every install, one after the other; the cursor begins with the install."""
    begin, _, rest = (place or "").partition("/")
    found: list[Entry] = []
    for install in index.tenants(context().store):
        if install < begin:
            continue
        cursor = (rest or None) if install == begin else None
        page = context().archive.list(
            install, day=parameters.day(), cursor=cursor, limit=limit - len(found)
        )
        found += page.entries
        if page.cursor is not None:
            return found, f"{install}/{page.cursor}"
        if len(found) == limit:
            return found, install + LAST
    return found, None


def _listed(entry: Entry) -> dict[str, Any] | None:
    """A recording of a listing; None where it was erased meanwhile."""
    try:
        return documents.recording(context().archive.manifest(entry.tenant, entry.recording_id))
    except NotStored:
        return None


def _direct(holder: str, recording_id: str) -> Response:
    seconds = min(parameters.expires(), direct.MAX_LIFETIME_S)
    access = api_access(holder, (recording_id,), purpose="ciphertext")
    with refusals_logged(access):
        manifest = context().player.audible(holder, recording_id)
    found = direct.address(context().archive, manifest, seconds)
    context().access_log.granted(access, expires=int(time.time()) + seconds)
    return _fresh(jsonify(found))


def _once_held(recording_id: str) -> str:
    """The install of an erased recording. Raises NotFound."""
    holder = token().install or request.args.get("install", "")
    try:
        context().archive.tombstone(holder, recording_id)
    except NotStored:
        raise NotFound("there is no such recording") from None
    return holder


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
