"""Links that an integrator hands to a browser: no token in them, and on record before they leave.

`expires` goes in as a duration and comes out as the moment it ends (spec/protocol 8).
"""

from __future__ import annotations

from addon.playback.clips import Clip
from addon.playback.encoded import EncodedFormat
from addon.playback.grants import MAX_LIFETIME_S, Purpose
from addon.web.api.access import api_access, token, within_token
from addon.web.context import context
from addon.web.grants import grant_to
from addon.web.schemas import Link


def link_to(
    tenant: str,
    recordings: tuple[str, ...],
    lifetime_s: int,
    purpose: Purpose | None,
    wanted: EncodedFormat | None,
    call_sid: str | None = None,
    clip: Clip | None = None,
) -> Link:
    """A signed link to a call, else to the one recording, or a clip of it, and its end.

    The end is in Unix seconds. Whoever listens can do so to the end of what is played, unless the
    token ends before. `recordings` are those whose access log must know of it;
    `purpose` follows from the `wanted` format where it is not given. Raises Withheld, and
    StoreUnavailable where it went unrecorded.
    """
    purpose = purpose or ("download" if wanted else "listen")
    grant = grant_to(
        api_access(tenant, recordings, purpose=purpose, form=wanted, call_sid=call_sid),
        clip=clip,
        lifetime_s=lifetime_s,
        longest_s=within_token(MAX_LIFETIME_S),
        api_token=token().name,
    )
    link = context().grants.link(grant)
    return {
        "signed_url": link if wanted is None else f"{link}?format={wanted}",
        "expires": grant.expires,
    }
