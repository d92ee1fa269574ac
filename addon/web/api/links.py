"""Links that an integrator hands to a browser: no token in them, and on record before they leave.

`expires` goes in as a duration and comes out as the moment it ends (spec/protocol 8).
"""

from __future__ import annotations

from dataclasses import replace

from addon.playback.encoded import EncodedFormat
from addon.playback.grants import Purpose
from addon.web.access_log import refusals_logged
from addon.web.api.access import api_access
from addon.web.context import context
from addon.web.schemas import Link


def link_to(
    tenant: str,
    recordings: tuple[str, ...],
    lifetime_s: int,
    purpose: Purpose | None,
    wanted: EncodedFormat | None,
    *,
    recording_id: str | None = None,
    call_sid: str | None = None,
) -> Link:
    """A signed link to a recording or a call, and its end in Unix seconds.

    `recordings` are those whose access log must know of it; `purpose` follows from the `wanted`
    format where it is not given. Raises Withheld, and StoreUnavailable where it went unrecorded.
    """
    purpose = purpose or ("download" if wanted else "listen")
    grants, access = context().grants, api_access(tenant, recordings, purpose=purpose, form=wanted)
    access = replace(access, call_sid=call_sid)
    with refusals_logged(access):
        context().player.require_audible(tenant, recordings, call_sid=call_sid)
    grant = grants.issue(
        tenant,
        recording_id=recording_id,
        call_sid=call_sid,
        listener=access.listener,
        purpose=purpose,
        lifetime_s=lifetime_s,
    )
    link = grants.link(grant)
    access = replace(access, grant=grant.nonce)
    context().access_log.granted(access, expires=grant.expires)
    return {
        "signed_url": link if wanted is None else f"{link}?format={wanted}",
        "expires": grant.expires,
    }
