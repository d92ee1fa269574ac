"""`/recordings/<id>`: the page of one recording, and what its player asks for.

An address here is for ever; the session and the grant behind it are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from addon.analysis.captions import MEDIA_TYPES, CaptionFormat
from addon.archive import notes
from addon.archive.manifest import Manifest
from addon.archive.notes import MAX_TEXT
from addon.errors import NotFound, NotStored
from addon.playback.grants import Purpose
from addon.web import listeners, played, player_pages
from addon.web.access_log import access_from_request
from addon.web.context import context
from addon.web.current_user import User, current_user
from addon.web.transcripts import transcript_answer

MAX_EVENTS = 50
"""Entries of a recording's access log that the player shows at once, the latest first."""


def add_to(blueprint: Blueprint) -> None:
    """Add the routes beside the page itself."""
    here = "/recordings/<recording_id>"
    blueprint.get(f"{here}/timeline", endpoint="recording_timeline")(timeline)
    blueprint.get(f"{here}/audio", endpoint="recording_audio")(audio)
    blueprint.post(f"{here}/played", endpoint="recording_played")(report)
    blueprint.get(f"{here}/download", endpoint="recording_download")(download)
    blueprint.route(f"{here}/clip", endpoint="recording_clip", methods=["GET", "POST"])(clip)
    blueprint.post(f"{here}/notes", endpoint="recording_notes")(add_note)
    blueprint.post(f"{here}/notes/<note_id>", endpoint="recording_note")(change_note)
    blueprint.get(f"{here}/transcript", endpoint="recording_transcript")(transcript)


def page(user: User, recording_id: str, holders: Sequence[str]) -> str:
    """The page, in the install asked for."""
    manifest = _manifest(user, recording_id)
    analysis = player_pages.opened(manifest)
    written, notes_trouble = player_pages.notes_of(manifest.tenant, recording_id)
    return render_template(
        "recording.html",
        user=user,
        manifest=manifest,
        facts=manifest.facts,
        trouble=analysis.trouble,
        call_lines=player_pages.call_lines(analysis.call),
        withheld=context().player.withheld(manifest),
        hold=context().archive.holds.get(manifest.tenant, manifest.recording_id),
        base=f"/recordings/{recording_id}",
        permanent=f"{context().settings.public_url}/recordings/{recording_id}",
        query=f"?install={manifest.tenant}" if len(holders) > 1 else "",
        notes=[(note, note.at_seconds) for note in written],
        notes_trouble=notes_trouble,
        max_note=MAX_TEXT,
        **player_pages.shown(analysis.result),
        **player_pages.times(),
        **_events(user, manifest),
    )


def timeline(recording_id: str) -> Response:
    """The data that the player draws, as JSON."""
    manifest = _manifest(current_user(), recording_id)
    return jsonify(player_pages.timeline(player_pages.opened(manifest).result))


def audio(recording_id: str) -> Response:
    """The audio element's source."""
    return _granted(current_user(), recording_id, "listen")


def report(recording_id: str) -> Response:
    """Log what the page's player played, by the grant that it played by."""
    played.take_report(recording_id)
    return Response(status=204)


def download(recording_id: str) -> Response:
    """The file, for those who may take it away. Raises Forbidden."""
    user = current_user()
    player_pages.require_download(user)
    return _granted(user, recording_id, "download")


def clip(recording_id: str) -> Response:
    """A clip as a file, or a link to it, for those who may take it away. Raises Forbidden."""
    user = current_user()
    player_pages.require_download(user)
    manifest = _manifest(user, recording_id)
    purpose = player_pages.clip_purpose()
    return player_pages.clip_answer(
        player_pages.access_of(user, manifest.tenant, (recording_id,), purpose)
    )


def add_note(recording_id: str) -> Response:
    """Write a note at a moment, and lead back to the page; withheld recordings have notes too."""
    user = current_user()
    manifest = _manifest(user, recording_id)
    notes.add_note(
        context().archive,
        manifest.tenant,
        recording_id,
        at_seconds=player_pages.time_of("at"),
        text=request.form.get("text", ""),
        author=user.name,
    )
    return _to_notes(recording_id)


def change_note(recording_id: str, note_id: str) -> Response:
    """Give a note another text, for who wrote it. Raises Forbidden, NotFound."""
    user = current_user()
    manifest = _manifest(user, recording_id)
    try:
        notes.change_note(
            context().archive,
            manifest.tenant,
            recording_id,
            note_id,
            text=request.form.get("text", ""),
            author=user.name,
        )
    except NotStored:
        raise NotFound("There is no such note on this recording") from None
    return _to_notes(recording_id)


def _to_notes(recording_id: str) -> Response:
    install = request.args.get("install")
    here = url_for("pages.recording", recording_id=recording_id, install=install)
    return redirect(f"{here}#notes-title", 303)


def transcript(recording_id: str) -> Response:
    """The transcript as a file, for those who may take it away. Raises Forbidden, NotFound."""
    user = current_user()
    player_pages.require_download(user)
    form = request.args.get("format", "vtt")
    if form not in MEDIA_TYPES:
        raise NotFound("There is no transcript in this format")
    manifest = _manifest(user, recording_id)
    access = access_from_request(
        manifest.tenant,
        (manifest.recording_id,),
        listener=user.name,
        right="page",
        purpose="transcript",
        form=form,
    )
    return transcript_answer(access, cast(CaptionFormat, form))


def _granted(user: User, recording_id: str, purpose: Purpose) -> Response:
    manifest = _manifest(user, recording_id)
    return player_pages.granted(
        player_pages.access_of(user, manifest.tenant, (manifest.recording_id,), purpose)
    )


def _manifest(user: User, recording_id: str) -> Manifest:
    """The manifest in the install asked for, else in the only one. Raises NotFound."""
    holders = user.holders(recording_id)
    install = request.args.get("install", holders[0])
    if install not in holders:
        raise NotFound("There is no recording by this name that you may listen to")
    return context().archive.manifest(install, recording_id)


def _events(user: User, manifest: Manifest) -> dict[str, Any]:
    """A page of the access log as lines, latest first, and the cursor to older ones.

    `events` is None for those who may not see it; `heard_by` is of these events alone.
    """
    if not user.rights.see_listeners:
        return {"events": None}
    log = context().archive.access_log
    cursor = request.args.get("before")
    found = log.page(manifest.tenant, manifest.recording_id, cursor=cursor, limit=MAX_EVENTS)
    return {
        "events": listeners.lines(found.events),
        "heard_by": listeners.heard_by(found.events, manifest.facts.duration_seconds),
        "older": found.cursor,
    }
