"""`/recordings` and `/recordings/<id>`: the pages for people who signed in (spec/interfaces 4).

An address here is for ever; the session and the grant behind it are not. Nothing is shown of a
recording whose install the user may not know of, not even that it exists.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from addon.analysis.captions import MEDIA_TYPES, CaptionFormat
from addon.archive.manifest import Manifest
from addon.archive.names import Entry, ids_prefix
from addon.errors import Forbidden, KeyMissing, NotFound, NotStored
from addon.playback.grants import Purpose
from addon.requests import results
from addon.web import page_responses, played, player_data, static_files
from addon.web.access_log import access_from_request
from addon.web.context import context
from addon.web.current_user import User, current_user
from addon.web.formats import FILTERS
from addon.web.grants import grant_to
from addon.web.listeners import lines
from addon.web.recording_list import ListPage, RecordingList
from addon.web.transcripts import transcript_answer

PAGE_SIZE = 25
"""Recordings on a page of the list: each is opened for its talk bar."""

MAX_EVENTS = 50
"""Entries of a recording's access log that the player shows at once, the latest first."""

_SID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

blueprint = Blueprint("pages", __name__, template_folder="templates")
static_files.add_to(blueprint)
page_responses.apply(blueprint)
for _name, _filter in FILTERS.items():
    blueprint.add_app_template_filter(_filter, _name)


@blueprint.get("/")
def home() -> Response:
    """The service's address alone leads to the list."""
    return redirect(url_for("pages.recordings"))


@blueprint.get("/recordings")
def recordings() -> Response | str:
    """The list: latest first, or of a day, a call, an install; `q` finds a SID."""
    user = current_user()
    sought = request.args.get("q", "").strip()
    if sought:
        return _search(user, sought)
    installs = user.installs()
    chosen = request.args.get("install", "")
    listed = _list_page(RecordingList(context().archive, _chosen(user, installs, chosen)))
    filters = {"chosen": chosen, **{name: request.args.get(name, "") for name in ("day", "call")}}
    return _show(user, listed, installs, **filters)


@blueprint.get("/recordings/<recording_id>")
def recording(recording_id: str) -> str:
    """The player: a permanent link."""
    user = current_user()
    holders = user.holders(recording_id)
    if len(holders) > 1 and "install" not in request.args:
        return _ambiguous(user, recording_id, holders)
    manifest = _manifest(user, recording_id)
    result, trouble = _result(manifest)
    return render_template(
        "recording.html",
        user=user,
        manifest=manifest,
        facts=manifest.facts,
        result=result,
        trouble=trouble,
        withheld=context().player.withheld(manifest),
        roles=player_data.roles(result),
        turns=player_data.turns(result),
        sentiments=player_data.sentiments(result),
        rule_findings=player_data.rule_findings(result),
        labels=player_data.LABELS,
        permanent=f"{context().settings.public_url}/recordings/{recording_id}",
        **_events(user, manifest),
        query=f"?install={manifest.tenant}" if len(holders) > 1 else "",
    )


@blueprint.get("/recordings/<recording_id>/timeline")
def recording_timeline(recording_id: str) -> Response:
    """The data that the player draws, as JSON."""
    manifest = _manifest(current_user(), recording_id)
    result, _ = _result(manifest)
    return jsonify(player_data.document(result))


@blueprint.get("/recordings/<recording_id>/audio")
def recording_audio(recording_id: str) -> Response:
    """The audio element's source: a fresh grant each time, so that a page never goes stale."""
    return _granted(current_user(), recording_id, "listen")


@blueprint.post("/recordings/<recording_id>/played")
def recording_played(recording_id: str) -> Response:
    """Log what the page's player played, by the grant that it played by."""
    played.take_report(recording_id)
    return Response(status=204)


@blueprint.get("/recordings/<recording_id>/download")
def recording_download(recording_id: str) -> Response:
    """The file, for those who may take it away. Raises Forbidden."""
    user = current_user()
    if not user.rights.download:
        raise Forbidden("Your account may listen to recordings, but not download them")
    return _granted(user, recording_id, "download")


@blueprint.get("/recordings/<recording_id>/transcript")
def recording_transcript(recording_id: str) -> Response:
    """The transcript as a file, for those who may take it away. Raises Forbidden, NotFound."""
    user = current_user()
    if not user.rights.download:
        raise Forbidden("Your account may read transcripts, but not download them")
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
    grant = grant_to(
        access_from_request(
            manifest.tenant,
            (manifest.recording_id,),
            listener=user.name,
            right="page",
            purpose=purpose,
        )
    )
    token = context().grants.token(grant)
    response = redirect(f"/media/{token}", 307)
    if purpose == "listen":
        played.remember(response, grant, token)
    return response


def _manifest(user: User, recording_id: str) -> Manifest:
    """The manifest in the install asked for, else in the only one. Raises NotFound."""
    holders = user.holders(recording_id)
    install = request.args.get("install", holders[0])
    if install not in holders:
        raise NotFound("There is no recording by this name that you may listen to")
    return context().archive.manifest(install, recording_id)


def _result(manifest: Manifest) -> tuple[dict[str, Any], str | None]:
    """The result, without words where the recording is withheld, or an empty one and the reason."""
    try:
        document = context().archive.analysis(manifest.tenant, manifest.recording_id)
    except NotStored:
        return {}, "This recording was archived as it came: nothing here could analyse it."
    except KeyMissing:
        return {}, "This server has no key that opens the analysis."
    if document["result"] is None:
        return {}, str(document["message"])
    reason = context().player.withheld(manifest)
    if reason is not None:
        return results.unheard(document["result"], f"{reason}."), None
    return document["result"], None


def _list_page(recordings: RecordingList) -> ListPage:
    day, call, cursor = (request.args.get(name) for name in ("day", "call", "cursor"))
    if call:
        return recordings.of_call(call) if _SID.fullmatch(call) else ListPage((), None)
    if not day:
        return recordings.newest(cursor, PAGE_SIZE)
    try:
        return recordings.of_day(date.fromisoformat(day), cursor, PAGE_SIZE)
    except ValueError:
        raise NotFound("There is no such day") from None


def _show(user: User, listed: ListPage, installs: Sequence[str], **filters: str) -> str:
    """The page of a list; `filters` are those that it was made with."""
    rows = context().recording_rows.of(listed.entries)
    return render_template(
        "recordings.html", user=user, rows=rows, listed=listed, installs=installs, **filters
    )


def _chosen(user: User, installs: Sequence[str], chosen: str) -> Sequence[str]:
    if not chosen:
        return installs
    if not _SID.fullmatch(chosen) or not user.rights.admits(chosen):
        raise NotFound("There is no install by this name that you may know of")
    return [chosen]


def _search(user: User, sought: str) -> Response | str:
    """Lead to a recording's page, or to the list of a call, an install or a day."""
    if not _SID.fullmatch(sought):
        return render_template("nothing.html", user=user, sought=sought)
    if sought.startswith("CA"):
        return redirect(url_for("pages.recordings", call=sought))
    if any(map(user.rights.admits, context().archive.find(sought))):
        return redirect(url_for("pages.recording", recording_id=sought))
    if sought in user.installs():
        return redirect(url_for("pages.recordings", install=sought))
    if re.fullmatch(r"\d{4}-\d\d-\d\d", sought):
        return redirect(url_for("pages.recordings", day=sought))
    return render_template("nothing.html", user=user, sought=sought)


def _ambiguous(user: User, recording_id: str, holders: Sequence[str]) -> str:
    """Two installs analysed the same recording: the user chooses."""
    entries = [Entry(holder, recording_id, ids_prefix(recording_id) + holder) for holder in holders]
    return _show(user, ListPage(entries, None), holders, ambiguous=recording_id)


def _events(user: User, manifest: Manifest) -> dict[str, Any]:
    """A page of the access log as lines, latest first, and the cursor to older ones.

    `events` is None for those who may not see it.
    """
    if not user.rights.see_listeners:
        return {"events": None}
    log = context().archive.access_log
    cursor = request.args.get("before")
    page = log.page(manifest.tenant, manifest.recording_id, cursor=cursor, limit=MAX_EVENTS)
    return {"events": lines(page.events), "older": page.cursor}
