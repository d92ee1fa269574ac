"""Making a request durable and queued: what the web does before it answers 202.

First the store, then the ledger and the lane in one transaction. A record that was written is never
taken back, even where the queue fails afterwards: another delivery of the same request may already
have been answered 202 because of it, and the sweeper will find it. So what Redis has no room for is
refused before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable

from addon import tracing
from addon.journal import Journal
from workers.queue import Dispatcher
from workers.requests import Request


def accept(
    journal: Journal,
    dispatcher: Dispatcher,
    request: Request,
    audio: Iterable[bytes] = (),
) -> bool:
    """Make a request durable and queue it; False for a duplicate of any age.

    Raises StoreUnavailable and QueueUnavailable, the latter also while Redis is too full for new
    work; the sender then has to ask again.
    """
    sid = request.sid
    with tracing.span("accept", request_sid=sid, source=request.source):
        if dispatcher.ledger.knows(sid) or journal.outcome(sid) is not None:
            dispatcher.ledger.duplicate(sid)
            return False
        dispatcher.headroom.require()
        journal.accept(sid, request.source, request.to_json(), audio)
        return claim(dispatcher, request)


def claim(dispatcher: Dispatcher, request: Request) -> bool:
    """Queue a request that is in the journal; False where that has happened before."""
    return dispatcher.accept(
        request.sid,
        tenant=request.tenant,
        source=request.source,
        received_at=request.received_at.timestamp(),
        length=request.length,
        lane=request.lane,
    )
