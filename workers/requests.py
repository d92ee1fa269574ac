"""The kinds of request, read from their intake records, and what every job may ask of each.

    sid, source, tenant, recording_id, received_at, call_sid, started_at   whose, and what
    integrations    names under which AGENT_CHANNEL may know it, the narrowest first
    length, lane    how long it probably is, and where it waits if not by that
    has_deadline    whether an answer can come too late
    encryption      what opens it, where Twilio encrypted it
    audio, as_received    its bytes, in the clear and exactly as they come
    waits_for_source      whether only its source's own word ends the waiting for them
    offer, give_up_at     hand the answer over once, and until when to try
    when_safe       what follows once its recording is archived; asked again after a crash

A job must never ask which kind it has.
"""

from __future__ import annotations

from addon.errors import Tampered
from addon.journal import Intake
from workers.flex import FlexRequest
from workers.marketplace import MarketplaceRequest
from workers.ringcentral import RingCentralRequest

Request = MarketplaceRequest | FlexRequest | RingCentralRequest

KINDS: dict[str, type[Request]] = {
    kind.source: kind for kind in (MarketplaceRequest, FlexRequest, RingCentralRequest)
}


def read(intake: Intake) -> Request:
    """The request in an intake record. Raises Tampered for a source that is not known here."""
    kind = KINDS.get(intake.source)
    if kind is None:
        raise Tampered("an intake record of an unknown source")
    return kind.from_json(intake.request)


def has_deadline(source: str) -> bool:
    """Whether requests of a source, as the ledger has it, can be answered too late."""
    kind = KINDS.get(source)
    return kind is None or kind.has_deadline
