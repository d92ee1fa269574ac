"""`/calls/<call_sid>`: the page of a call, its recordings in the order of time as one player.

A user sees the recordings of installs that the user may know of; any other call is answered as one
that does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, jsonify, render_template, request
from werkzeug.wrappers import Response

from addon.archive.manifest import Manifest
from addon.archive.names import Unreadable
from addon.archive.notes import Note
from addon.errors import KeyMissing, NotFound, NotPlayable, NotStored, Tampered, Withheld
from addon.playback.grants import Purpose
from addon.web import call_data, played, player_data, player_pages
from addon.web.context import context
from addon.web.current_user import User, current_user

NOBODY = "There is no call by this name that you may listen to"


@dataclass(frozen=True)
class Leg:
    """One recording of the call as the page lists it; `trouble` says why it has no figures.

    `start` and `end` are seconds of the joined audio.
    """

    manifest: Manifest
    result: dict[str, Any]
    trouble: str | None
    start: float
    end: float
    notes: Sequence[Note]
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class ViewedCall:
    """A call in one install. `silent` says why its recordings cannot be played as one."""

    tenant: str
    holders: Sequence[str]
    legs: Sequence[Leg]
    unreadable: Sequence[Unreadable]
    silent: str | None

    @property
    def merged(self) -> dict[str, Any]:
        """The results of the legs as one."""
        return call_data.merged(
            [call_data.Leg(one.result, one.start, one.end) for one in self.legs]
        )


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    here = "/calls/<call_sid>"
    blueprint.get(here, endpoint="call")(page)
    blueprint.get(f"{here}/timeline", endpoint="call_timeline")(timeline)
    blueprint.get(f"{here}/audio", endpoint="call_audio")(audio)
    blueprint.post(f"{here}/played", endpoint="call_played")(report)
    blueprint.get(f"{here}/download", endpoint="call_download")(download)
    blueprint.route(f"{here}/clip", endpoint="call_clip", methods=["GET", "POST"])(clip)


def page(call_sid: str) -> str:
    """The page: a permanent link."""
    user = current_user()
    call = _call(user, call_sid)
    return render_template(
        "call.html",
        user=user,
        call=call,
        call_sid=call_sid,
        withheld=call.silent,
        trouble=None,
        notes=[(note, leg.start + note.at_seconds) for leg in call.legs for note in leg.notes],
        notes_trouble=None,
        base=f"/calls/{call_sid}",
        permanent=f"{context().settings.public_url}/calls/{call_sid}",
        query=f"?install={call.tenant}" if len(call.holders) > 1 else "",
        **player_pages.shown(call.merged),
        **player_pages.times(),
    )


def timeline(call_sid: str) -> Response:
    """The data that the player draws, as JSON, with the stretch of each recording."""
    call = _call(current_user(), call_sid)
    result = call.merged
    document = player_pages.timeline(result)
    if call.silent is None:
        legs = [call_data.Leg(one.result, one.start, one.end) for one in call.legs]
        document["peaks"] = call_data.peaks(legs, player_data.roles(result))
    document["legs"] = [[one.start, one.end] for one in call.legs]
    return jsonify(document)


def audio(call_sid: str) -> Response:
    """The audio element's source."""
    return _granted(current_user(), call_sid, "listen")


def report(call_sid: str) -> Response:
    """Log what the page's player played, by the grant that it played by."""
    played.take_report(call_sid)
    return Response(status=204)


def download(call_sid: str) -> Response:
    """The joined file, for those who may take it away. Raises Forbidden."""
    user = current_user()
    player_pages.require_download(user)
    return _granted(user, call_sid, "download")


def clip(call_sid: str) -> Response:
    """A clip as a file, or a link to it, for those who may take it away. Raises Forbidden."""
    user = current_user()
    player_pages.require_download(user)
    tenant, _ = _place(user, call_sid)
    ids = tuple(context().player.recordings_of(tenant, call_sid))
    purpose = player_pages.clip_purpose()
    return player_pages.clip_answer(
        player_pages.access_of(user, tenant, ids, purpose, call_sid=call_sid)
    )


def _granted(user: User, call_sid: str, purpose: Purpose) -> Response:
    tenant, _ = _place(user, call_sid)
    ids = tuple(context().player.recordings_of(tenant, call_sid))
    return player_pages.granted(
        player_pages.access_of(user, tenant, ids, purpose, call_sid=call_sid)
    )


def _place(user: User, call_sid: str) -> tuple[str, Sequence[str]]:
    """The install asked for, else the first, and all that hold the call. Raises NotFound.

    An index entry alone could have been planted: an install holds a call by its manifests.
    """
    holders = [one for one in user.installs() if _holds(one, call_sid)]
    tenant = request.args.get("install", holders[0] if holders else "")
    if tenant not in holders:
        raise NotFound(NOBODY)
    return tenant, holders


def _holds(tenant: str, call_sid: str) -> bool:
    try:
        entries = context().player.entries_of(tenant, call_sid)
    except NotStored:
        return False
    return any(context().archive.examined(entry) for entry in entries)


def _call(user: User, call_sid: str) -> ViewedCall:
    tenant, holders = _place(user, call_sid)
    entries = context().player.entries_of(tenant, call_sid)
    found = [context().archive.examined(entry) for entry in entries]
    manifests = sorted(
        (one for one in found if isinstance(one, Manifest)), key=lambda one: one.place_in_call
    )
    unreadable = [one for one in found if isinstance(one, Unreadable)]
    places, silent = _places(tenant, call_sid, manifests)
    legs = [
        _leg(manifest, *places[manifest.recording_id])
        for manifest in manifests
        if manifest.recording_id in places  # else it was erased in between
    ]
    return ViewedCall(tenant, holders, legs, unreadable, silent)


def _places(
    tenant: str, call_sid: str, manifests: Sequence[Manifest]
) -> tuple[dict[str, tuple[float, float]], str | None]:
    """Begin and end of each recording, and why they cannot be played as one, if so.

    Then the times are sums of their lengths.
    """
    player = context().player
    try:
        player.require_audible(tenant, [one.recording_id for one in manifests], call_sid=call_sid)
        return {name: (begin, end) for name, begin, end in player.legs(tenant, call_sid)}, None
    except (Withheld, NotPlayable, Tampered, KeyMissing) as error:
        places, at = {}, 0.0
        for manifest in manifests:
            end = at + (manifest.facts.duration_seconds or 0.0)
            places[manifest.recording_id] = (at, end)
            at = end
        return places, error.message


def _leg(manifest: Manifest, start: float, end: float) -> Leg:
    try:
        analysis = player_pages.opened(manifest)
    except Tampered as error:
        trouble = f"Its analysis cannot be read: {error.message}."
        analysis = player_pages.Opened({}, trouble, {})
    notes, _ = player_pages.notes_of(manifest.tenant, manifest.recording_id)
    return Leg(
        manifest,
        analysis.result,
        analysis.trouble,
        round(start, 3),
        round(end, 3),
        notes,
        player_pages.call_lines(analysis.call),
    )
