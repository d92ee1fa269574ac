"""Grants of links to audio: given only for what may be heard, and on record before they leave."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from addon.playback.access_log import Access
from addon.playback.grants import Grant, Purpose
from addon.web.access_log import refusals_logged
from addon.web.context import context


def grant_to(
    access: Access, *, lifetime_s: int | None = None, api_token: str | None = None
) -> Grant:
    """A grant for the call of an access, or else for its one recording.

    Without `lifetime_s` it lives as long as the recording can be listened to; it ends with the
    token of this name. Raises Withheld,
    NotStored, and StoreUnavailable where it went unrecorded: then it must not be given.
    """
    player, recording_id, duration = context().player, None, None
    with refusals_logged(access):
        if access.call_sid is None:
            (recording_id,) = access.recordings
            duration = player.audible(access.tenant, recording_id).facts.duration_seconds
        else:
            player.require_audible(access.tenant, access.recordings, call_sid=access.call_sid)
    grant = context().grants.issue(
        access.tenant,
        recording_id=recording_id,
        call_sid=access.call_sid,
        listener=access.listener,
        purpose=cast(Purpose, access.purpose),
        duration_seconds=duration,
        lifetime_s=lifetime_s,
        api_token=api_token,
    )
    context().access_log.granted(replace(access, grant=grant.nonce), expires=grant.expires)
    return grant
