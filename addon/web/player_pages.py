"""Parts that the pages of a recording and of a call share: results, grants, clips, reports.

Nothing is shown of what the user may not know of, not even that it exists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import jsonify, redirect, request
from werkzeug.wrappers import Response

from addon import call_facts
from addon.archive import notes
from addon.archive.manifest import Manifest
from addon.archive.notes import Note
from addon.errors import Forbidden, InvalidParameter, KeyMissing, NotStored
from addon.playback.access_log import Access
from addon.playback.clips import Clip
from addon.playback.grants import MAX_LIFETIME_S, Purpose
from addon.requests import results
from addon.web import moments, played, player_data
from addon.web.access_log import access_from_request
from addon.web.context import context
from addon.web.current_user import User
from addon.web.grants import grant_to
from addon.web.viewer_zone import name_of, viewer_zone

CLIP_LINK_S = {"1 hour": 3600, "1 day": 24 * 3600, "7 days": MAX_LIFETIME_S}
"""The lives of a link to a clip that the page offers."""

CALL_NAMES = {
    "from": "From",
    "to": "To",
    "direction": "Direction",
    "agent": "Agent",
    "queue": "Queue",
    "outcome": "Outcome",
}
"""Facts of a call that pages show, by their names for people."""

_CLOCK = re.compile(r"(?:(?:(\d{1,2}):)?(\d{1,3}):)?(\d{1,6}(?:\.\d{1,3})?)", re.ASCII)


class Opened(NamedTuple):
    """A recording's analysis as a page shows it: the result, or an empty one and why; the call."""

    result: dict[str, Any]
    trouble: str | None
    call: Mapping[str, Any]


def opened(manifest: Manifest) -> Opened:
    """The analysis, without words where the recording is withheld.

    Raises Tampered, StoreUnavailable.
    """
    try:
        document = context().archive.analysis(manifest.tenant, manifest.recording_id)
    except NotStored:
        return Opened(
            {}, "This recording was archived as it came: nothing here could analyse it.", {}
        )
    except KeyMissing:
        return Opened({}, "This server has no key that opens the analysis.", {})
    context().catalogue_writer.complete(manifest, document)
    call = call_facts.facts_of(document)
    if document["result"] is None:
        return Opened({}, str(document["message"]), call)
    reason = context().player.withheld(manifest)
    if reason is not None:
        return Opened(results.unheard(document["result"], f"{reason}."), None, call)
    return Opened(document["result"], None, call)


def call_lines(call: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The facts of a call that are known, by their names for people."""
    return [(name, str(call[fact])) for fact, name in CALL_NAMES.items() if call.get(fact)]


def times() -> dict[str, Any]:
    """The zone in which templates show times, and its name."""
    zone = viewer_zone()
    return {"zone": zone, "zone_name": name_of(zone)}


def shown(result: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a result that templates show beside the player."""
    found = moments.moments(result)
    return {
        "result": result,
        "roles": player_data.roles(result),
        "turns": player_data.turns(result),
        "sentiments": player_data.sentiments(result),
        "rule_findings": player_data.rule_findings(result),
        "labels": player_data.LABELS,
        "moment_groups": moments.by_kind([one for one in found if one.kind != "category"]),
        "longest_silence": moments.longest_silence(result),
        "muted_kinds": moments.muted_kinds(result),
        "clip_links": CLIP_LINK_S,
    }


def timeline(result: Mapping[str, Any]) -> dict[str, Any]:
    """The data that the player draws."""
    found = [(one.kind, one.title, one.start, one.end) for one in moments.moments(result)]
    return player_data.document(result, found)


def access_of(
    user: User, tenant: str, recordings: tuple[str, ...], purpose: str, call_sid: str | None = None
) -> Access:
    """The access that the user of this page makes."""
    return access_from_request(
        tenant,
        recordings,
        listener=user.name,
        right="page",
        purpose=purpose,
        call_sid=call_sid,
    )


def granted(access: Access) -> Response:
    """The way to the audio: a fresh grant each time, so that a page never goes stale."""
    grant = grant_to(access)
    token = context().grants.token(grant)
    response = redirect(f"/media/{token}", 307)
    if access.purpose == "listen":
        played.remember(response, grant, token)
    return response


def require_download(user: User) -> None:
    """Raises Forbidden for a user who may listen and take nothing away."""
    if not user.rights.download:
        raise Forbidden("Your account may listen to recordings, but not download them")


def clip_answer(access: Access) -> Response:
    """The clip that this request asks for, as a download; or a link to it, of a POST.

    Raises InvalidParameter, and what `grant_to` raises.
    """
    clip = Clip.of(time_of("start"), time_of("stop"))
    if request.method != "POST":
        return redirect(f"/media/{context().grants.token(grant_to(access, clip=clip))}", 307)
    lifetime = CLIP_LINK_S.get(request.form.get("lasts", "1 hour"))
    if lifetime is None:
        raise InvalidParameter("lasts: a link lasts 1 hour, 1 day or 7 days")
    grant = grant_to(access, clip=clip, lifetime_s=lifetime)
    return jsonify({"signed_url": context().grants.link(grant), "expires": grant.expires})


def clip_purpose() -> Purpose:
    """A link to a clip is for listening, as often as its holder likes; a file is a download."""
    return "listen" if request.method == "POST" else "download"


def time_of(name: str) -> float:
    """A time of the request, written as seconds or as a clock has it (3:12.5, 1:02:03).

    Raises InvalidParameter.
    """
    found = _CLOCK.fullmatch(request.values.get(name, "").strip())
    if found is None:
        raise InvalidParameter(f"{name}: write a time such as 3:12")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds


def notes_of(tenant: str, recording_id: str) -> tuple[list[Note], str | None]:
    """The notes of a recording, or none and the reason."""
    try:
        return notes.notes_of(context().archive, tenant, recording_id), None
    except KeyMissing:
        return [], "This server has no key that opens notes."
