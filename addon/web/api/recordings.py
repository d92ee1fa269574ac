"""Recordings over the API: list, describe, hear, link to, draw, follow up, erase."""

from __future__ import annotations

import time
from datetime import date
from typing import cast

from flask import Blueprint, Response

from addon.analysis.captions import MEDIA_TYPES
from addon.archive import index
from addon.archive.names import LAST, Entry
from addon.archive.notes import notes_of
from addon.errors import InvalidParameter, KeyMissing, NotFound, NotPlayable, NotStored
from addon.playback import direct as direct_access
from addon.playback.clips import clip_name
from addon.web import audio, schemas
from addon.web.access_log import refusals_logged
from addon.web.api import documents, filters, parameters
from addon.web.api.access import api_access, holder_of, tenant, token, within_token
from addon.web.api.links import link_to
from addon.web.api.waveform import waveform_of
from addon.web.context import context
from addon.web.listeners import with_played
from addon.web.openapi.operations import RANGE, Answer, Operation, sound
from addon.web.transcripts import transcript_answer


def add_to(blueprint: Blueprint) -> None:
    """Add these routes."""
    blueprint.get("/recordings")(listing)
    blueprint.get("/recordings/<recording_id>")(describe)
    blueprint.delete("/recordings/<recording_id>")(erase)
    blueprint.get("/recordings/<recording_id>/file")(file)
    blueprint.get("/recordings/<recording_id>/file_url")(file_url)
    blueprint.get("/recordings/<recording_id>/peaks")(peaks)
    blueprint.get("/recordings/<recording_id>/transcript")(transcript)
    blueprint.get("/recordings/<recording_id>/notes")(notes)
    blueprint.get("/recordings/<recording_id>/audit")(audit)


@Operation("listRecordings", "Recordings", filters=filters.FILTERS)
def listing(
    *,
    install: parameters.Install | None = None,
    call_sid: parameters.CallFilter | None = None,
    date: parameters.Day | None = None,
    cursor: parameters.Cursor | None = None,
    limit: parameters.Limit = parameters.DEFAULT_LIMIT,
) -> schemas.Page:
    """List recordings in the order of time.

    All of the install, of a UTC day, or of a call. A token for every install lists them one install
    after the other, or the one that `install` names. With a filter or `sort` the catalogue is
    asked: then they come latest first, or in that order, of all installs together; 503 where the
    catalogue does not answer.
    """
    if call_sid is not None and date is not None:
        raise InvalidParameter("date: a call is listed whole")
    if filters.is_asked():
        listed, position = filters.found(install, call_sid, date, cursor or None, limit)
        return {"recordings": listed, "next_cursor": parameters.opaque(position)}
    everywhere = token().install is None and install is None
    try:
        if everywhere and call_sid is None:
            entries, position = _of_all(date, cursor, limit)
        else:
            page = context().archive.list(
                tenant(install), day=date, call_sid=call_sid, cursor=cursor or None, limit=limit
            )
            entries, position = list(page.entries), page.cursor
    except NotStored:
        raise InvalidParameter("cursor, install or call_sid: no such thing can exist") from None
    return {"recordings": filters.with_figures(entries), "next_cursor": parameters.opaque(position)}


@Operation("getRecording", "Recordings")
def describe(
    recording_id: parameters.RecordingId, *, install: parameters.Install | None = None
) -> schemas.AnalysedRecording:
    """Describe a recording, with its analysis."""
    manifest = context().archive.manifest(holder_of(recording_id, install), recording_id)
    described = documents.recording(manifest), documents.analysis(manifest)
    return {**described[0], **described[1], **documents.holding(manifest)}


@Operation(
    "eraseRecording",
    "Recordings",
    {204: Answer("Gone; a signed tombstone and the access log remain.")},
    problems=(409,),
    scope="erase",
)
def erase(
    recording_id: parameters.RecordingId,
    *,
    install: parameters.Install | None = None,
    reason: parameters.Reason = "asked for over the API",
) -> Response:
    """Erase a recording for good."""
    holder = holder_of(recording_id, install)
    context().archive.erase(holder, recording_id, by=f"API token {token().name}", reason=reason)
    context().catalogue_writer.remove(holder, recording_id)
    return Response(status=204)


@Operation(
    "getRecordingFile",
    "Recordings",
    sound("The audio: as recorded, or in the format asked for."),
    problems=(403, 416, 422),
    headers=RANGE,
)
def file(
    recording_id: parameters.RecordingId,
    *,
    install: parameters.Install | None = None,
    format: parameters.Format | None = None,
    start: parameters.Start | None = None,
    stop: parameters.Stop | None = None,
) -> Response:
    """The audio.

    GSM and ADPCM, which browsers do not play, come as 16-bit PCM. With `start` and `stop` it is
    that clip, as a WAV file cut on samples.
    """
    clip = parameters.clip(start, stop)
    holder = holder_of(recording_id, install)
    told = clip and clip.seconds
    access = api_access(holder, (recording_id,), purpose="file", form=format, clip_seconds=told)
    with refusals_logged(access):
        found = context().player.recording(holder, recording_id, clip)
    return audio.logged_answer(found, access, format, clip_name(recording_id, clip))


@Operation(
    "linkToRecording",
    "Links",
    {200: Answer("The link, or the ciphertext's address.", schemas.Link | schemas.Ciphertext)},
    problems=(403, 422),
    scope="link",
)
def file_url(
    recording_id: parameters.RecordingId,
    *,
    install: parameters.Install | None = None,
    expires: parameters.Expires = parameters.DEFAULT_EXPIRES_S,
    purpose: parameters.LinkPurpose | None = None,
    format: parameters.Format | None = None,
    direct: parameters.Direct = "0",
    start: parameters.Start | None = None,
    stop: parameters.Stop | None = None,
) -> schemas.Link | schemas.Ciphertext:
    """A link to the audio that needs no token; with `direct=1`, the ciphertext's address.

    Make it when it is pressed, not before: answer your listener with a redirect to it.
    """
    holder = holder_of(recording_id, install)
    if direct == "1":
        return _ciphertext(holder, recording_id, expires)
    clip = parameters.clip(start, stop)
    return link_to(holder, (recording_id,), expires, purpose, format, clip=clip)


@Operation("getPeaks", "Recordings", problems=(403, 422))
def peaks(
    recording_id: parameters.RecordingId, *, install: parameters.Install | None = None
) -> schemas.Waveform:
    """The waveform, as audiowaveform's version 2."""
    holder = holder_of(recording_id, install)
    return waveform_of(context().archive, context().player, holder, recording_id)


@Operation(
    "getTranscript",
    "Recordings",
    {200: Answer("The transcript as a file.", str, tuple(MEDIA_TYPES.values()))},
    problems=(403,),
)
def transcript(
    recording_id: parameters.RecordingId,
    *,
    install: parameters.Install | None = None,
    format: parameters.Captions = "vtt",
) -> Response:
    """The transcript, as captions or text.

    It says what the analysis says: numbers that are masked there are masked here. That it was taken
    is in the access log. 404 gives the reason where there is none; 403 says that it is withheld, as
    the audio is.
    """
    holder = holder_of(recording_id, install)
    access = api_access(holder, (recording_id,), purpose="transcript", form=format)
    return transcript_answer(access, format)


@Operation("listNotes", "Recordings", problems=(422,))
def notes(
    recording_id: parameters.RecordingId, *, install: parameters.Install | None = None
) -> schemas.Notes:
    """List what people noted at moments of a recording.

    Notes are written on the recording's page, and go when it is erased. A note cannot be changed.
    """
    holder = holder_of(recording_id, install)
    context().archive.manifest(holder, recording_id)
    try:
        found = notes_of(context().archive, holder, recording_id)
    except KeyMissing:
        raise NotPlayable(
            "this server has no key that opens notes",
            remedy="Ask one that holds ARCHIVE_PRIVATE_KEYS and CONTROL_KEYS.",
        ) from None
    return {"id": recording_id, "notes": [documents.note(one) for one in found]}


@Operation("getTrail", "Recordings")
def audit(
    recording_id: parameters.RecordingId,
    *,
    install: parameters.Install | None = None,
    cursor: parameters.Cursor | None = None,
    limit: parameters.Limit = parameters.DEFAULT_LIMIT,
) -> schemas.Trail:
    """The access log of a recording, newest first.

    Links given, what was sent (`heard`), what a player says that it played (`played`), who was
    refused. Erased recordings keep it. An event with `trouble` is not one that was written here.
    """
    try:
        holder = holder_of(recording_id, install)
    except NotFound:
        holder = _once_held(recording_id, install)
    log = context().archive.access_log
    page = log.page(holder, recording_id, cursor=cursor or None, limit=limit)
    return {
        "id": recording_id,
        "events": cast(list[schemas.Event], with_played(page.events)),
        "next_cursor": parameters.opaque(page.cursor),
    }


def _of_all(day: date | None, position: str | None, limit: int) -> tuple[list[Entry], str | None]:
    """A page over every install, one after the other; the position begins with the install."""
    begin, _, rest = (position or "").partition("/")
    found: list[Entry] = []
    for install in index.tenants(context().store):
        if install < begin:
            continue
        cursor = (rest or None) if install == begin else None
        page = context().archive.list(install, day=day, cursor=cursor, limit=limit - len(found))
        found += page.entries
        if page.cursor is not None:
            return found, f"{install}/{page.cursor}"
        if len(found) == limit:
            return found, install + LAST
    return found, None


def _ciphertext(holder: str, recording_id: str, expires: int) -> schemas.Ciphertext:
    """The address of the ciphertext, good for `expires` seconds or the longest time allowed.

    The store gives it, so it ends with an expiring token, but not with one that is revoked.
    """
    seconds = within_token(min(expires, direct_access.MAX_LIFETIME_S))
    access = api_access(holder, (recording_id,), purpose="ciphertext")
    with refusals_logged(access):
        manifest = context().player.audible(holder, recording_id)
    found = direct_access.address(context().archive, manifest, seconds)
    context().access_log.granted(access, expires=int(time.time()) + seconds)
    return cast(schemas.Ciphertext, found)


def _once_held(recording_id: str, install: str | None) -> str:
    """The install of an erased recording. Raises NotFound."""
    holder = token().install or install or ""
    try:
        context().archive.tombstone(holder, recording_id)
    except NotStored:
        raise NotFound("there is no such recording") from None
    return holder
