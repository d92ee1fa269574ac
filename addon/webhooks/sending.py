"""Sends one event to one endpoint: signed, once, and no redirect followed (Standard Webhooks).

Nothing of the answer is read but its status and Retry-After: whatever a receiver sends costs a few
kilobytes. The job decides whether and when to try again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from standardwebhooks import Webhook

from addon.errors import OutboundRefused, OutboundUnavailable
from addon.outbound import Outbound, Timeouts
from addon.webhooks.endpoints import Endpoint
from addon.webhooks.events import Event

TIMEOUTS = Timeouts(connect=5, read=15, total=20)
"""A receiver takes an event and works on it afterwards (Standard Webhooks asks for 15 to 30 s)."""

GONE = 410
"""A receiver's word that it wants no more."""

_REDIRECTS = range(300, 400)


@dataclass(frozen=True)
class Answer:
    """The outcome of one try: the status, None where no answer came, and a reason in words."""

    status: int | None
    reason: str | None = None
    retry_after: float | None = None

    @property
    def taken(self) -> bool:
        """True for any 2xx, whatever its body."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """True where the endpoint wants no more events at all."""
        return self.status == GONE


def headers(event: Event, endpoint: Endpoint, now: datetime) -> dict[str, str]:
    """The headers of a try: its id, its time, and a signature by each secret that is valid."""
    signed = (Webhook(secret).sign(event.id, now, event.body) for secret in endpoint.secrets(now))
    return {
        "Content-Type": "application/json",
        "webhook-id": event.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signed),
    }


def send(event: Event, endpoint: Endpoint, outbound: Outbound) -> Answer:
    """Send an event once. Raises nothing of the network: that is an answer as well."""
    now = datetime.now(UTC)
    try:
        with outbound.open(
            "POST",
            endpoint.url,
            headers=headers(event, endpoint, now),
            body=event.body.encode(),
            redirects=0,
            timeouts=TIMEOUTS,
        ) as response:
            return _answer(response.status, response.retry_after)
    except (OutboundRefused, OutboundUnavailable) as error:
        return Answer(None, error.message)


def _answer(status: int, retry_after: float | None) -> Answer:
    if 200 <= status < 300:
        return Answer(status)
    if status in _REDIRECTS:
        return Answer(status, f"It answered {status}: a redirect, which is not followed.")
    if status == GONE:
        return Answer(status, "It answered 410: it wants no more events.")
    return Answer(status, f"It answered {status}.", retry_after)
