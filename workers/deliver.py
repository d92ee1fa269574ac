"""The second job: hand a kept answer over once, to its callback or to its Flex task.

The answer is in the store before the first try, so that a crash sends again and never computes
again; that it was taken is recorded in the store at once, so that only a crash in between can send
it twice (protocol 1.8). A slow or failing callback host costs the analysis nothing.
"""

from __future__ import annotations

import time
from typing import Any

from addon import log
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
)
from addon.journal import Kept
from addon.ledger import ANSWERED, WAITING, Entry
from addon.metrics import catalogue
from addon.twilio import callback
from workers import conclude, requests
from workers.lease import Lease, lease
from workers.requests import Request
from workers.services import Services, services

STORE_PAUSE_S = 5.0

logger = log.get("deliver")


def deliver(sid: str) -> None:
    """Offer one answer to its callback, or record why not.

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
        except (KeyMissing, Tampered) as error:
            held.confirm()
            _wait(services(), sid, time.time() + conclude.call_for_help(services(), error))


def _deliver(services: Services, sid: str, held: Lease) -> None:
    kept = services.journal.kept(sid)
    try:
        request = requests.read(services.journal.open(sid))
    except NotStored:
        conclude.finished_before(services, sid)
        return
    if _is_answered(services, sid, held):
        conclude.finish(services, sid)
    elif kept is None:
        logger.warning("nothing to deliver yet")
        services.ledger.mark(sid, delivery=None)
    else:
        Delivery(services, request, kept, held).offer()


def _is_answered(services: Services, sid: str, held: Lease) -> bool:
    """Whether somebody has sent it; with False, nobody else has or will while the lease is ours.

    In this order: with the lease confirmed, whoever had it in between has left their record.
    """
    held.confirm()
    return conclude.is_answered(services, sid)


def _wait(services: Services, sid: str, until: float) -> None:
    services.ledger.mark(sid, delivery=WAITING, delivery_at=until)
    services.ledger.look_again(sid, until)


class Delivery:
    """One try at one callback."""

    def __init__(self, services: Services, request: Request, kept: Kept, held: Lease) -> None:
        self.services = services
        self.request = request
        self.kept = kept
        self.held = held
        self.sid = request.sid

    def offer(self) -> None:
        """Hand the answer over and record what came of it."""
        taken_at = self._taken_at()
        if taken_at is not None:
            self._conclude("delivered", taken_at)
            return
        tries = self.services.ledger.count(self.sid, "deliveries")
        try:
            how = self.request.offer(self.services.settings, self.kept.answer)
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
            self._offer_later(tries, error)

    def _offer_later(self, tries: int, error: AddonError) -> None:
        """Wait for the next try, or give up where Twilio has given up long since."""
        unauthorised = isinstance(error, CallbackUnauthorised)
        self._count("unauthorised" if unauthorised else "unavailable")
        if unauthorised:
            logger.error("the callback refuses our credentials", alarm=True, tries=tries)
        at = time.time() + callback.backoff(tries - 1, getattr(error, "retry_after", None))
        if at > self._give_up_at():
            logger.error("the answer was not taken in time", tries=tries)
            self._conclude("expired")
            return
        logger.warning("the answer was not taken", reason=error.message, tries=tries)
        _wait(self.services, self.sid, at)

    def _count(self, outcome: str) -> None:
        self.services.counters.count(catalogue.TRIES, outcome)

    def _give_up_at(self) -> float:
        entry = self.services.ledger.entry(self.sid)
        return self.request.give_up_at(_duration(entry, self.kept.answer) or 0.0)

    def _conclude(self, how: str, taken_at: float | None = None) -> None:
        """Put it on record, in the store before anything is asked of Redis: it may have gone."""
        now = taken_at or time.time()
        delivered = {"delivered_at": now} if how == "delivered" else {}
        try:
            self.services.journal.conclude(self.sid, self._outcome(how, now))
        except StoreUnavailable:
            self.services.ledger.mark(self.sid, **delivered)  # so that it is not sent again
            raise
        code = self.kept.answer["code"]
        self.services.ledger.mark(self.sid, delivery=ANSWERED, code=code, **delivered)
        logger.info("answered", answer=how)
        conclude.finish(self.services, self.sid)

    def _taken_at(self) -> float | None:
        """When the callback took the answer, where only the store's record of it is missing."""
        entry = self.services.ledger.entry(self.sid)
        return None if entry is None else entry.delivered_at

    def _outcome(self, how: str, now: float) -> dict[str, Any]:
        return {
            "answer": how,
            "answered_at": now,
            "code": self.kept.answer["code"],
            "received_at": self.request.received_at.timestamp(),
            "status": self.kept.answer["status"],
            "tenant": self.request.tenant,
        }


def _duration(entry: Entry | None, document: dict[str, Any]) -> float | None:
    if entry is not None and entry.duration:
        return entry.duration
    result = document.get("result") or {}
    seconds: float | None = (result.get("audio") or {}).get("duration_seconds")
    return seconds
