"""Grants of links to audio: given only for what may be heard, and on record before they leave."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import cast

from addon.errors import InvalidParameter
from addon.playback.access_log import Access
from addon.playback.clips import Clip
from addon.playback.grants import MAX_LIFETIME_S, Grant, Purpose
from addon.web.access_log import refusals_logged
from addon.web.context import context


def grant_to(
    access: Access,
    *,
    clip: Clip | None = None,
    lifetime_s: int | None = None,
    longest_s: int = MAX_LIFETIME_S,
    api_token: str | None = None,
) -> Grant:
    """A grant for the call of an access, or else for its one recording; with `clip`, for that.

    It lives for `lifetime_s`, and to listen never shorter than what it plays; without `lifetime_s`
    for PLAYBACK_TTL_S beyond that. `longest_s` is the most that a `lifetime_s` becomes; the grant
    ends with the API token of this name. Raises Withheld, NotStored, InvalidParameter for a clip
    behind the end, and StoreUnavailable where it went unrecorded: then it must not be given.
    """
    player, recording_id = context().player, None
    with refusals_logged(access):
        if access.call_sid is None:
            (recording_id,) = access.recordings
            facts = player.audible(access.tenant, recording_id).facts
            duration = facts.duration_seconds or 0.0
        else:
            player.require_audible(access.tenant, access.recordings, call_sid=access.call_sid)
            duration = player.call_seconds(access.tenant, access.call_sid)
    if clip is not None:
        access = replace(access, clip_seconds=clip.seconds)
        if duration and clip.start >= duration * 1000:
            raise InvalidParameter("start: the recording ends before it")
        duration = clip.length_seconds
    if lifetime_s is not None:
        heard_through = math.ceil(duration) if access.purpose == "listen" else 0
        lifetime_s = min(max(lifetime_s, heard_through), longest_s)
    grant = context().grants.issue(
        access.tenant,
        recording_id=recording_id,
        call_sid=access.call_sid,
        clip=clip,
        listener=access.listener,
        purpose=cast(Purpose, access.purpose),
        duration_seconds=duration,
        lifetime_s=lifetime_s,
        api_token=api_token,
    )
    context().access_log.granted(replace(access, grant=grant.nonce), expires=grant.expires)
    return grant
