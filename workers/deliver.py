"""The second job: send a stored result once, to its callback or to its Flex task.

The answer is in the store before the first try, so that a crash sends again and never computes
again; that it was taken is recorded in the store at once, so that only a crash in between can send
it twice (spec/protocol 1.8). A slow or failing callback host costs the analysis nothing.
"""

from __future__ import annotations

import time
from typing import Any

from addon import backoff, log
from addon.errors import (
    AddonError,
    CallbackClosed,
    CallbackUnauthorised,
    DeliveryError,
    KeyMissing,
    NotStored,
    StoreUnavailable,
    Tampered,
    TwilioUnavailable,
    UnreadableDocument,
)
from addon.metrics import catalogue
from addon.requests.lease import Lease, lease
from addon.requests.request import Request
from addon.requests.results import StoredResult
from addon.requests.state import ANSWERED, WAITING, RequestState
from workers import finalise, handlers
from workers.services import Services, services

STORE_PAUSE_S = 5.0

logger = log.get("deliver")


def deliver(sid: str) -> None:
    """Send one result to its callback, or record why not.

    Raises RedisError to its worker; the sweeper queues it again when Redis is back.
    """
    log.clear()
    log.bind(request_sid=sid)
    with lease(services().redis, "deliver", sid) as held:
        if held is None:
            return
        try:
            _deliver(services(), sid, held)
        except StoreUnavailable:
            held.confirm()
            logger.warning("the store does not answer; the delivery waits")
            _wait(services(), sid, time.time() + STORE_PAUSE_S)
        except (KeyMissing, Tampered, UnreadableDocument) as error:
            held.confirm()
            _wait(services(), sid, time.time() + finalise.call_for_help(services(), error))


def _deliver(services: Services, sid: str, held: Lease) -> None:
    result = services.intake_store.stored_result(sid)
    try:
        request = handlers.read(services.intake_store.open(sid))
    except NotStored:
        finalise.finished_before(services, sid)
        return
    if _is_answered(services, sid, held):
        finalise.finish(services, sid)
    elif result is None:
        logger.warning("nothing to deliver yet")
        services.states.mark(sid, delivery=None)
    else:
        Delivery(services, request, result, held).send()


def _is_answered(services: Services, sid: str, held: Lease) -> bool:
    """True if somebody has sent it; with False, nobody else has or will while the lease is ours.

    In this order: with the lease confirmed, whoever had it in between has left their record.
    """
    held.confirm()
    return finalise.is_answered(services, sid)


def _wait(services: Services, sid: str, until: float) -> None:
    services.states.mark(sid, delivery=WAITING, delivery_at=until)
    services.states.look_again(sid, until)


class Delivery:
    """One try at one callback."""

    def __init__(
        self, services: Services, request: Request, result: StoredResult, held: Lease
    ) -> None:
        self.services = services
        self.request = request
        self.handler = handlers.of(request)
        self.result = result
        self.held = held
        self.sid = request.sid

    def send(self) -> None:
        """Hand the answer over and record what came of it."""
        taken_at = self._taken_at()
        if taken_at is not None:
            self._conclude("delivered", taken_at)
            return
        tries = self.services.states.count(self.sid, "deliveries")
        try:
            how = self.handler.send(self.services.settings, self.request, self.result.answer)
        except (DeliveryError, TwilioUnavailable) as error:
            if not _is_answered(self.services, self.sid, self.held):
                self._not_taken(tries, error)
        else:  # it was sent, so that goes on record whoever has the lease by now
            self._conclude(how)
            self._count(how)

    def _not_taken(self, tries: int, error: AddonError) -> None:
        if isinstance(error, CallbackClosed):
            logger.error("the callback refused the result", reason=error.message)
            self._count("refused")
            self._conclude("refused")
        else:
            self._send_later(tries, error)

    def _send_later(self, tries: int, error: AddonError) -> None:
        """Wait for the next try, or give up where Twilio has given up long since."""
        unauthorised = isinstance(error, CallbackUnauthorised)
        self._count("unauthorised" if unauthorised else "unavailable")
        if unauthorised:
            logger.error("the callback refuses our credentials", alarm=True, tries=tries)
        at = time.time() + backoff.pause(tries, error.retry_after, jitter=0.5)
        if at > self._give_up_at():
            logger.error("the answer was not taken in time", tries=tries)
            self._conclude("expired")
            return
        logger.warning("the answer was not taken", reason=error.message, tries=tries)
        _wait(self.services, self.sid, at)

    def _count(self, outcome: str) -> None:
        self.services.counters.count(catalogue.TRIES, outcome)

    def _give_up_at(self) -> float:
        entry = self.services.states.get(self.sid)
        return self.handler.give_up_at(self.request, _duration(entry, self.result.answer) or 0.0)

    def _conclude(self, how: str, taken_at: float | None = None) -> None:
        """Put it on record, in the store before anything is asked of Redis: it may have gone."""
        now = taken_at or time.time()
        delivered = {"delivered_at": now} if how == "delivered" else {}
        try:
            self.services.intake_store.record_outcome(self.sid, self._outcome(how, now))
        except StoreUnavailable:
            self.services.states.mark(self.sid, **delivered)  # so that it is not sent again
            raise
        code = self.result.answer["code"]
        self.services.states.mark(self.sid, delivery=ANSWERED, code=code, **delivered)
        logger.info("answered", answer=how)
        finalise.finish(self.services, self.sid)

    def _taken_at(self) -> float | None:
        """Time at which the callback took the answer, where only the store's record is missing."""
        entry = self.services.states.get(self.sid)
        return None if entry is None else entry.delivered_at

    def _outcome(self, how: str, now: float) -> dict[str, Any]:
        return {
            "answer": how,
            "answered_at": now,
            "code": self.result.answer["code"],
            "received_at": self.request.received_at.timestamp(),
            "status": self.result.answer["status"],
            "tenant": self.request.tenant,
        }


def _duration(entry: RequestState | None, document: dict[str, Any]) -> float | None:
    if entry is not None and entry.duration:
        return entry.duration
    result = document.get("result") or {}
    seconds: float | None = (result.get("audio") or {}).get("duration_seconds")
    return seconds
