"""Links that an integrator hands to a browser: no token in them, and on record before they leave.

`expires` goes in as a duration and comes out as the moment it ends (spec/protocol 8).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from addon.web.api import parameters
from addon.web.api.access import api_visit
from addon.web.context import context
from addon.web.visits import refusal_on_record


def link_to(
    tenant: str,
    recordings: tuple[str, ...],
    *,
    recording_id: str | None = None,
    call_sid: str | None = None,
) -> dict[str, Any]:
    """A signed link to a recording or a call, and its end in Unix seconds.

    `recordings` are those whose trail must know of it. Raises Withheld, and StoreUnavailable where
    it went unrecorded.
    """
    wanted, purpose = parameters.encoded_format(), parameters.purpose()
    grants, visit = context().grants, api_visit(tenant, recordings, purpose=purpose, form=wanted)
    visit = replace(visit, call_sid=call_sid)
    with refusal_on_record(visit):
        context().player.require_audible(tenant, recordings, call_sid=call_sid)
    grant = grants.issue(
        tenant,
        recording_id=recording_id,
        call_sid=call_sid,
        listener=visit.listener,
        purpose=purpose,
        lifetime_s=parameters.expires(),
    )
    link = grants.link(grant)
    visit = replace(visit, grant=grant.nonce)
    context().listening.granted(visit, expires=grant.expires)
    return {
        "signed_url": link if wanted is None else f"{link}?format={wanted}",
        "expires": grant.expires,
    }
