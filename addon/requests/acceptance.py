"""Makes a request durable and queues it, before the web answers 202.

First comes the store, then the state and the queue in one transaction. A record that was written is
never taken back, even where the queue fails afterwards: another delivery of the same request may
have been answered 202 because of it, and the sweeper will find it. So what Redis has no room for is
refused before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable

from addon import group_commit, tracing
from addon.errors import QueueUnavailable
from addon.requests.dispatcher import Dispatcher
from addon.requests.intake_store import IntakeStore
from addon.requests.request import Request


def accept(
    intake_store: IntakeStore,
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
        if intake_store.has_outcome(sid) or _known_without_room(dispatcher, sid):
            dispatcher.states.count_duplicate(sid)
            return False
        with group_commit.shared_steps():
            intake_store.accept(sid, request.source, request.document, audio, request.signature)
            return claim(dispatcher, request)


def _known_without_room(dispatcher: Dispatcher, sid: str) -> bool:
    """True for a duplicate while nothing new is accepted; with room the claim itself tells.

    Raises QueueUnavailable for a new request without room.
    """
    if dispatcher.admission.has_room():
        return False
    if dispatcher.states.knows(sid):
        return True
    raise QueueUnavailable("Redis is too full for new work")


def claim(dispatcher: Dispatcher, request: Request) -> bool:
    """Queue a request that is in the intake store; False where that has happened before."""
    return dispatcher.accept(
        request.sid,
        tenant=request.tenant,
        source=request.source,
        received_at=request.received_at.timestamp(),
        length=request.length,
        queue=request.queue,
    )
