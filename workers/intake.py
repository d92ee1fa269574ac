"""Making a request durable and queued: what the web does before it answers 202.

First the store, then the ledger and the lane in one transaction. A record that was written is never
taken back, even where the queue fails afterwards: another delivery of the same request may already
have been answered 202 because of it, and the sweeper will find it.
"""

from __future__ import annotations

from collections.abc import Iterable

from addon.journal import Journal
from addon.twilio.invocation import Invocation
from workers import lanes
from workers.queue import Dispatcher


def accept(
    journal: Journal,
    dispatcher: Dispatcher,
    invocation: Invocation,
    audio: Iterable[bytes],
    *,
    source: str = "marketplace",
) -> bool:
    """Make a request durable and queue it; False for a duplicate of any age.

    Raises StoreUnavailable and QueueUnavailable; the sender then has to ask again.
    """
    sid = invocation.request_sid
    if dispatcher.ledger.knows(sid) or journal.outcome(sid) is not None:
        dispatcher.ledger.duplicate(sid)
        return False
    journal.accept(sid, source, invocation.to_json(), audio)
    return claim(dispatcher, invocation, source)


def claim(dispatcher: Dispatcher, invocation: Invocation, source: str) -> bool:
    """Queue a request that is in the journal; False where that has happened before."""
    return dispatcher.accept(
        invocation.request_sid,
        tenant=invocation.tenant,
        source=source,
        received_at=invocation.received_at.timestamp(),
        length=lanes.length(invocation.duration, invocation.size, invocation.channels),
    )
