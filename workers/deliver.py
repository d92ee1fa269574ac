"""Delivery: sends a stored result once, to its callback or to its Flex task.

The answer is in the store before the first try, so that a crash sends again and never computes
again; that it was taken is recorded in the store at once, so that only a crash in between can send
it twice (spec/protocol 1.8). A slow or failing callback host costs the analysis nothing.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from addon import backoff, log, steady_clock
from addon.archive.configured import control_signer
from addon.archive.signed_documents import DocumentSigner
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
from addon.metrics import declarations
from addon.requests.intake_store import IntakeRecord
from addon.requests.lease import Lease, lease
from addon.requests.queues import DELIVER_KIND
from addon.requests.request import Request
from addon.requests.results import StoredResult
from addon.requests.state import ANSWERED, PROCESSED, QUEUED, WAITING, WORKING, RequestState
from workers import finalise, handlers, late_answer
from workers.delivery_hosts import HostLimits, Place
from workers.first_delivery import Answer
from workers.services import Services, services

STORE_PAUSE_S = 5.0
"""How long a delivery waits when the store does not answer."""

TRIES = "deliveries"
"""The field of a request's state that counts the times its answer was offered."""

KIND = "delivery"
"""How the MAC calls the record in Redis that an answer was taken."""

logger = log.get("deliver")


def deliver(sid: str, answer: Answer | None = None) -> None:
    """Send one result to its callback, or record why not; nothing where somebody else does.

    With `answer`, the store is not asked for what it holds. Raises RedisError to its worker; the
    sweeper queues it again when Redis is back.
    """
    taken = answer.held if answer else None
    with lease(services().redis, DELIVER_KIND, sid, taken) as held:
        if held is not None:
            deliver_held(services(), sid, held, answer=answer)


def deliver_held(
    services: Services,
    sid: str,
    held: Lease,
    limits: HostLimits | None = None,
    answer: Answer | None = None,
) -> None:
    """Send one result, of which the caller has the lease, within `limits` of its host.

    Raises RedisError, and LeaseLost where somebody else has taken it over.
    """
    log.clear()
    log.bind(request_sid=sid)
    try:
        _deliver(services, sid, held, limits, answer)
    except StoreUnavailable as error:
        held.confirm()
        logger.warning("the store does not answer; the delivery waits", reason=error.message)
        services.states.wait_for_delivery(sid, STORE_PAUSE_S)
    except (KeyMissing, Tampered, UnreadableDocument) as error:
        held.confirm()
        services.states.wait_for_delivery(sid, finalise.call_for_help(services, error))


def _deliver(
    services: Services, sid: str, held: Lease, limits: HostLimits | None, answer: Answer | None
) -> None:
    try:
        found = answer or services.intake_store.open(sid)
        request = found.request if isinstance(found, Answer) else handlers.read(found)
    except NotStored:
        finalise.finished_before(services, sid)
        return
    entry = services.states.get(sid) if answer is None else None
    with _place(services, request, limits, entry) as place:
        if place.pause:
            held.confirm()
            logger.debug("its host has as many results as it may have at once")
            services.states.wait_for_delivery(sid, place.pause)
        else:
            place.taken = _send(services, request, held, found, entry)


def _place(
    services: Services, request: Request, limits: HostLimits | None, entry: RequestState | None
) -> AbstractContextManager[Place]:
    host = handlers.of(request).host(services.settings, request)
    if limits is None or not host:
        return nullcontext(Place())
    return limits.place(host, first=entry is None or not entry.deliveries)


def _send(
    services: Services,
    request: Request,
    held: Lease,
    found: Answer | IntakeRecord,
    entry: RequestState | None,
) -> bool | None:
    """Send it if nobody has; True if the host took it or refused it for good, None if not asked.

    `entry` is the request's state as it was read under this lease, None where it was not.
    """
    sid, answer = request.sid, found if isinstance(found, Answer) else None
    held.confirm()
    has_lapsed = held.has_lapsed()
    is_first = answer is not None and answer.held is held and not has_lapsed
    if not is_first and finalise.is_answered(services, sid):
        finalise.finish(services, sid)
        return None
    if not is_first and (entry is None or has_lapsed):
        entry = services.states.get(sid)
    if isinstance(found, Answer):
        result: StoredResult | None = found.result
    else:
        result = _result(services, request, entry, found)
    if result is None:
        _work_again(services, sid)
        return None
    return Delivery(services, request, result, held, entry).send()


def _result(
    services: Services, request: Request, entry: RequestState | None, intake: IntakeRecord
) -> StoredResult | None:
    """The result to send; before the work is done, only what does not call it done."""
    if entry is not None and entry.state not in (QUEUED, WORKING, WAITING):
        return services.intake_store.stored_result(request.sid)
    result = late_answer.result(services, request, intake)
    return None if entry is not None and result is not None and result.final else result


def _work_again(services: Services, sid: str) -> None:
    """There is nothing to deliver: not yet, or something else lies where the result was."""
    logger.warning("nothing to deliver yet")
    services.states.mark(sid, delivery=None)
    entry = services.states.get(sid)
    if entry is not None and entry.state == PROCESSED:
        services.dispatcher.process(entry)


def _is_answered(services: Services, sid: str, held: Lease) -> bool:
    """True if somebody has sent it; with False, nobody else has or will while the lease is ours.

    In this order: with the lease confirmed, whoever had it in between has left their record.
    """
    held.confirm()
    return finalise.is_answered(services, sid)


class Delivery:
    """One try at one callback."""

    def __init__(
        self,
        services: Services,
        request: Request,
        result: StoredResult,
        held: Lease,
        entry: RequestState | None,
    ) -> None:
        self.services = services
        self.request = request
        self.handler = handlers.of(request)
        self.result = result
        self.held = held
        self.entry = entry
        self.sid = request.sid

    def send(self) -> bool | None:
        """Hand the answer over and record what came of it; gives what `_send` does."""
        taken_at = self._taken_at()
        if taken_at is not None:
            self._conclude("delivered", taken_at)
            return None
        tries = self.services.states.count(self.sid, TRIES)
        try:
            how = self.handler.send(self.services.settings, self.request, self.result.answer)
        except (DeliveryError, TwilioUnavailable) as error:
            if not _is_answered(self.services, self.sid, self.held):
                self._not_taken(tries, error)
            return isinstance(error, CallbackClosed)
        # It was sent, so that goes on record whoever has the lease by now.
        self._conclude(how)
        self._count(how)
        return True

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
        pause = backoff.pause(tries, error.retry_after, jitter=0.5)
        if steady_clock.now() + pause > self._give_up_at():
            logger.error("the answer was not taken in time", tries=tries)
            self._conclude("expired")
            return
        logger.warning("the answer was not taken", reason=error.message, tries=tries)
        self.services.states.wait_for_delivery(self.sid, pause)

    def _count(self, outcome: str) -> None:
        self.services.counters.count(declarations.TRIES, outcome)

    def _give_up_at(self) -> float:
        entry = self.services.states.get(self.sid)
        return self.handler.give_up_at(self.request, _duration(entry, self.result.answer) or 0.0)

    def _conclude(self, how: str, taken_at: float | None = None) -> None:
        """Put it on record, in the store before anything is asked of Redis: it may have gone."""
        now = taken_at or time.time()
        delivered: dict[str, Any] = {"delivered_at": now} if how == "delivered" else {}
        try:
            self.services.intake_store.record_outcome(self.sid, self._outcome(how, now))
        except StoreUnavailable:
            if delivered:
                delivered["taken"] = self._signer.sign(KIND, self.sid, delivered).decode()
            self.services.states.mark(self.sid, **delivered)  # so that it is not sent again
            raise
        facts: dict[str, Any] = {"delivery": ANSWERED, **delivered}
        found = self.entry.code if self.entry is not None else None
        if (code := found or self.result.answer["code"]) is not None:
            facts["code"] = code
        logger.info("answered", answer=how)
        if self.entry is not None and self.entry.state == QUEUED and not self.result.final:
            self.services.states.mark(self.sid, **facts)  # its work is still to be done
        else:
            finalise.finish_answered(self.services, self.request, self.result, how, facts)

    def _taken_at(self) -> float | None:
        """Time at which the callback took the answer, where only the store's record is missing.

        It is signed: whoever can write to Redis must not keep an answer from being sent.
        """
        if self.entry is None or self.entry.delivered_at is None:
            return None
        if self.entry.taken is None and self._signer.takes_unsigned:
            return self.entry.delivered_at  # of the release before
        try:
            document = self._signer.verified(KIND, self.sid, (self.entry.taken or "").encode())
        except Tampered:
            logger.error("Redis says that the answer was taken, unsigned", alarm=True)
            return None
        return float(document["delivered_at"])

    @property
    def _signer(self) -> DocumentSigner:
        return control_signer(self.services.settings)

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
