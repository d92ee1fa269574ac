"""The second job: hand a kept answer to its callback, once.

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
    CallbackUnavailable,
    NotStored,
    StoreUnavailable,
)
from addon.journal import Kept
from addon.ledger import ANSWERED, WAITING, Entry
from addon.metrics import catalogue
from addon.outbound import Credentials, Origins, Outbound
from addon.settings import Settings
from addon.twilio import callback
from addon.twilio.invocation import Invocation
from addon.twilio.trimming import trim
from workers import conclude, lanes
from workers.lease import lease
from workers.services import Services, services

GIVE_UP_FLOOR_S = 600.0
"""An answer is offered for at least this long: a failure may have no duration to go by."""

STORE_PAUSE_S = 5.0

logger = log.get("deliver")


def deliver(sid: str) -> None:
    """Offer one answer to its callback, or record why not. Raises nothing to its worker."""
    log.clear()
    log.bind(request_sid=sid)
    with lease(services().redis, "deliver", sid) as held:
        if not held:
            return
        try:
            _deliver(services(), sid)
        except StoreUnavailable:
            logger.warning("the store does not answer; the delivery waits")
            _wait(services(), sid, time.time() + STORE_PAUSE_S)


def _deliver(services: Services, sid: str) -> None:
    kept = services.journal.kept(sid)
    if conclude.is_answered(services, sid):
        conclude.finish(services, sid)
        return
    try:
        invocation = Invocation.from_json(services.journal.open(sid).request)
    except NotStored:
        conclude.close(services, sid, "finished before")
        return
    if kept is None:
        logger.warning("nothing to deliver yet")
        services.ledger.mark(sid, delivery=None)
        return
    Delivery(services, invocation, kept).offer()


def _wait(services: Services, sid: str, until: float) -> None:
    services.ledger.mark(sid, delivery=WAITING, delivery_at=until)
    services.ledger.look_again(sid, until)


class Delivery:
    """One try at one callback."""

    def __init__(self, services: Services, invocation: Invocation, kept: Kept) -> None:
        self.services = services
        self.invocation = invocation
        self.kept = kept
        self.sid = invocation.request_sid

    def offer(self) -> None:
        """POST the answer and record what came of it."""
        if not self.invocation.callback:
            logger.info("no callback was given; the result stays in the archive")
            self._conclude("skipped")
            return
        if self._taken_at() is not None:
            self._conclude("delivered")
            return
        tries = self.services.ledger.count(self.sid, "deliveries")
        try:
            self._post()
        except CallbackClosed as error:
            logger.error("the callback refused the result", reason=error.message)
            self._count("refused")
            self._conclude("refused")
        except (CallbackUnavailable, CallbackUnauthorised) as error:
            self._offer_later(tries, error)
        else:
            self._conclude("delivered")
            self._count("delivered")

    def _post(self) -> None:
        settings = self.services.settings
        callback.post_result(
            self.invocation.callback,
            trim(self.kept.answer),
            outbound=Outbound(Origins(settings.callback_hosts, setting="CALLBACK_HOSTS")),
            credentials=credentials(settings, self.invocation),
        )

    def _offer_later(self, tries: int, error: AddonError) -> None:
        """Wait for the next try, or give up where Twilio has given up long since."""
        unauthorised = isinstance(error, CallbackUnauthorised)
        self._count("unauthorised" if unauthorised else "unavailable")
        if unauthorised:
            logger.error("the callback refuses our credentials", alarm=True, tries=tries)
        at = time.time() + callback.backoff(tries - 1, getattr(error, "retry_after", None))
        if at > self._give_up_at():
            logger.error("the callback took the result too late or never", tries=tries)
            self._conclude("expired")
            return
        logger.warning("the callback did not take the result", reason=error.message, tries=tries)
        _wait(self.services, self.sid, at)

    def _count(self, outcome: str) -> None:
        self.services.counters.count(catalogue.TRIES, outcome)

    def _give_up_at(self) -> float:
        received = self.invocation.received_at.timestamp()
        entry = self.services.ledger.entry(self.sid)
        seconds = _duration(entry, self.kept.answer) or 0.0
        return max(lanes.deadline(received, seconds), received + GIVE_UP_FLOOR_S)

    def _conclude(self, how: str) -> None:
        now = self._taken_at() or time.time()
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
            "received_at": self.invocation.received_at.timestamp(),
            "status": self.kept.answer["status"],
            "tenant": self.invocation.tenant,
        }


def credentials(settings: Settings, invocation: Invocation) -> list[Credentials]:
    """What the callback is offered: the install's own pair, then the partner's (protocol 1.8)."""
    own = settings.callback_credentials.get(invocation.tenant)
    pairs = [own.partition(":")] if own else []
    partner = Credentials(settings.twilio_account_sid, settings.twilio_auth_token)
    return [*(Credentials(name, secret) for name, _, secret in pairs), partner]


def _duration(entry: Entry | None, document: dict[str, Any]) -> float | None:
    if entry is not None and entry.duration:
        return entry.duration
    result = document.get("result") or {}
    seconds: float | None = (result.get("audio") or {}).get("duration_seconds")
    return seconds
