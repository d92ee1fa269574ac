"""Delivers one event to one endpoint, within the limits of its host, and records what came of it.

A delivery is over when the endpoint took it, when it was tried for three days, or when the endpoint
is disabled. Until then its mark stays in the store (`addon/webhooks/outbox.py`).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from addon import log
from addon.errors import (
    KeyMissing,
    NotFound,
    NotStored,
    OutboundRefused,
    StoreUnavailable,
    Tampered,
    UnreadableDocument,
)
from addon.metrics import declarations
from addon.outbound import Outbound, split
from addon.requests.lease import Lease, lease
from addon.requests.queues import WEBHOOK_KIND
from addon.webhooks import sending
from addon.webhooks.endpoints import Known
from addon.webhooks.events import Event
from addon.webhooks.outbox import DeliveryName
from addon.webhooks.tries import Tries, Try, pause_after
from workers.delivery_hosts import HostLimits, Place
from workers.services import Services, services

STORE_PAUSE_S = 5.0
"""How long a delivery waits when the store does not answer."""

NOT_YET_S = 60.0
"""How long an event waits that is not true yet: its recording is being replaced."""

NEVER_PROMISED = timedelta(hours=1)
"""A promise that a crash cut short is made again within minutes: a mark alone ends after this."""

logger = log.get("webhooks")


def deliver(name: str) -> None:
    """Deliver one event to one endpoint; nothing where somebody else does. Raises RedisError."""
    with lease(services().redis, WEBHOOK_KIND, name) as held:
        if held is not None:
            deliver_held(services(), name, held)


def deliver_held(
    services: Services, name: str, held: Lease, limits: HostLimits | None = None
) -> None:
    """Deliver one event, of which the caller has the lease, within `limits` of its host.

    Raises RedisError, and LeaseLost where somebody else has taken it over.
    """
    log.clear()
    tries = Tries(services.redis)
    try:
        _Delivery(services, DeliveryName.parse(name), held, tries).run(limits)
    except NotStored:
        tries.forget(name)  # no name of ours
    except StoreUnavailable as error:
        logger.warning("the store does not answer; the webhook waits", reason=error.message)
        tries.wait(name, STORE_PAUSE_S)


class _Delivery:
    """One try of one delivery."""

    def __init__(self, services: Services, name: DeliveryName, held: Lease, tries: Tries) -> None:
        self.services = services
        self.outbox = services.outbox
        self.name = name
        self.held = held
        self.tries = tries

    def run(self, limits: HostLimits | None) -> None:
        """Send it where it is to be sent, and record what came of it."""
        since = self.outbox.pending_since(self.name)
        if since is None:
            self.tries.forget(str(self.name))
            return
        try:
            event = self.outbox.event(self.name.event_id)
        except NotFound:
            self._wait_for_event(since)
            return
        known = self._endpoint(event)
        if known is None or self._can_never_be_true(event):
            self._end()
        elif not self._is_true(event):
            self.tries.wait(str(self.name), NOT_YET_S)
        else:
            self._send_in_place(event, known, limits)

    def _wait_for_event(self, since: datetime) -> None:
        """The event is being promised; or it went by age, or there never was one."""
        if datetime.now(UTC) - since > NEVER_PROMISED:
            self._end()
        else:
            self.tries.wait(str(self.name), NOT_YET_S)

    def _endpoint(self, event: Event) -> Known | None:
        """The endpoint as it is now; None where the event is not to be sent to it."""
        try:
            known = self.outbox.endpoints.get(event.install, self.name.endpoint_id)
        except NotFound:
            return None  # also an endpoint of another install
        is_theirs = known.endpoint.install == event.install
        return known if is_theirs and known.takes(event.type) else None

    def _is_true(self, event: Event) -> bool:
        """True once the manifest is the one that the event was promised for."""
        if event.generation is None:
            return True
        try:
            manifest = self.services.archive.manifest(event.install, event.recording_id)
        except (NotStored, Tampered, KeyMissing, UnreadableDocument):
            return False
        return manifest.generation >= event.generation

    def _can_never_be_true(self, event: Event) -> bool:
        return event.generation is not None and self.services.archive.is_erased(
            event.install, event.recording_id
        )

    def _send_in_place(self, event: Event, known: Known, limits: HostLimits | None) -> None:
        try:
            host = str(split(known.endpoint.url).origin)
        except OutboundRefused:
            host = ""
        if limits is None or not self.outbox.endpoints.origins.admits(known.endpoint.url):
            self._send(event, known)
            return
        first = not self.tries.counted(str(self.name))
        with limits.place(host, first=first) as place:
            self._send_or_wait(event, known, place)

    def _send_or_wait(self, event: Event, known: Known, place: Place) -> None:
        if place.pause:
            self.tries.wait(str(self.name), place.pause)
        else:
            place.taken = self._send(event, known)

    def _send(self, event: Event, known: Known) -> bool:
        """Send it now; True where the endpoint took it."""
        self.held.confirm()
        count = self.tries.count(str(self.name))
        began = time.monotonic()
        outbound = Outbound(self.outbox.endpoints.origins)
        answer = sending.send(event, known.endpoint, outbound)
        seconds = time.monotonic() - began
        outcome, pause = self._outcome(known, answer, count)
        self.tries.add(
            known.endpoint.id,
            Try(
                event_id=event.id,
                type=event.type,
                recording_id=event.recording_id,
                at=datetime.now(UTC).isoformat(timespec="milliseconds"),
                outcome=outcome,
                tries=count,
                seconds=round(seconds, 3),
                status=answer.status,
                reason=answer.reason,
                next_s=pause,
            ),
        )
        self.services.counters.count(declarations.WEBHOOK_TRIES, outcome)
        if pause is None:
            self._end()
        else:
            self.tries.wait(str(self.name), pause)
        return answer.taken

    def _outcome(
        self, known: Known, answer: sending.Answer, count: int
    ) -> tuple[str, float | None]:
        """The outcome of the try, and seconds until the next; None where it is over."""
        endpoints = self.outbox.endpoints
        if answer.taken:
            if known.health.failing_since is not None:
                endpoints.recovered(known.endpoint)
            return "delivered", None
        reason = answer.reason or ""
        health = endpoints.failed(
            known, reason, for_good=answer.is_gone, tries=count, now=datetime.now(UTC)
        )
        if health.disabled_at is not None:
            logger.error("a webhook endpoint is disabled", endpoint=known.endpoint.id)
            return "disabled", None
        pause = pause_after(count)
        if pause is None:
            logger.warning("a webhook is given up", endpoint=known.endpoint.id, tries=count)
            return "given up", None
        return "failed", max(pause, answer.retry_after or 0.0)

    def _end(self) -> None:
        self.outbox.settle(self.name)
        self.tries.forget(str(self.name))
