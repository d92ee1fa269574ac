"""`/recordings/<id>`: the page of a recording, for people who signed in (spec/interfaces 4).

An address here is for ever; the session and the grant behind it are not. Nothing is shown of a
recording whose install the user may not know of, not even that it exists.
"""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from addon.analysis.captions import MEDIA_TYPES, CaptionFormat
from addon.archive.manifest import Manifest
from addon.errors import Forbidden, KeyMissing, NotFound, NotStored
from addon.playback.grants import Purpose
from addon.web import page_responses, played, player_data
from addon.web.access_log import access_from_request
from addon.web.context import context
from addon.web.current_user import User, current_user
from addon.web.formats import FILTERS
from addon.web.grants import grant_to
from addon.web.listeners import lines
from addon.web.lists import show_ambiguous
from addon.web.transcripts import transcript_answer

MAX_EVENTS = 50
"""Entries of a recording's access log that the player shows at once, the latest first."""

blueprint = Blueprint(
    "pages",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static",
)
page_responses.apply(blueprint)
for _name, _filter in FILTERS.items():
    blueprint.add_app_template_filter(_filter, _name)


@blueprint.get("/")
def home() -> Response:
    """The service's address alone leads to the list."""
    return redirect(url_for("lists.recordings"))


@blueprint.get("/recordings/<recording_id>")
def recording(recording_id: str) -> str:
    """The player: a permanent link."""
    user = current_user()
    holders = user.holders(recording_id)
    if len(holders) > 1 and "install" not in request.args:
        return show_ambiguous(user, recording_id, holders)
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
    if context().player.withheld(manifest) is not None:
        result.pop("waveform", None)
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
    """The result, or an empty one and the reason."""
    try:
        document = context().archive.analysis(manifest.tenant, manifest.recording_id)
    except NotStored:
        return {}, "This recording was archived as it came: nothing here could analyse it."
    except KeyMissing:
        return {}, "This server has no key that opens the analysis."
    if document["result"] is None:
        return {}, str(document["message"])
    return document["result"], None


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
