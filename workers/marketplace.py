"""A request of the Marketplace, as the jobs see it: an invocation, and a callback that waits.

Twilio fails it ten times its length after it came (protocol 1.8). Its recording comes with it, or
from a temporary URL; its answer must never go anywhere but to the callback it named.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, cast

from addon.archive.store import Store
from addon.journal import Intake, Kept
from addon.outbound import Credentials, Origins, Outbound
from addon.settings import Settings
from addon.twilio import callback
from addon.twilio.invocation import Invocation
from addon.twilio.trimming import trim
from workers import lanes, source
from workers.lanes import Length

GIVE_UP_FLOOR_S = 600.0
"""An answer is offered for at least this long: a failure may have no duration to go by."""


@dataclass(frozen=True)
class MarketplaceRequest:
    """One invocation; see `workers.requests.Request` for what each kind can be asked."""

    invocation: Invocation

    source: ClassVar[str] = "marketplace"
    has_deadline: ClassVar[bool] = True
    waits_for_source: ClassVar[bool] = False
    started_at: ClassVar[None] = None
    encryption: ClassVar[None] = None
    lane: ClassVar[None] = None

    @classmethod
    def from_json(cls, text: str) -> MarketplaceRequest:
        """From an intake record."""
        return cls(Invocation.from_json(text))

    def to_json(self) -> str:
        """For an intake record."""
        return self.invocation.to_json()

    @property
    def sid(self) -> str:
        """The request SID."""
        return self.invocation.request_sid

    @property
    def tenant(self) -> str:
        """The install."""
        return self.invocation.tenant

    @property
    def recording_id(self) -> str:
        """The recording's own SID where it was given."""
        return self.invocation.recording_id

    @property
    def received_at(self) -> datetime:
        """When the web took it."""
        return self.invocation.received_at

    @property
    def call_sid(self) -> str | None:
        """The call that was recorded."""
        return self.invocation.call_sid

    @property
    def integrations(self) -> tuple[str, ...]:
        """The usage key: the way of recording that the customer chose (protocol 1.1)."""
        return ((self.invocation.usage_key or "").upper(),)

    @property
    def length(self) -> Length:
        """As far as the fields tell."""
        size, channels = self.invocation.size, self.invocation.channels
        return lanes.length(self.invocation.duration, size, channels)

    def audio(
        self, settings: Settings, intake: Intake, tries: int
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The recording. Raises as `source.recording`."""
        return source.recording(settings, intake, self.invocation, tries)

    as_received = audio

    def offer(self, settings: Settings, answer: dict[str, Any]) -> str:
        """POST the answer once: "delivered", or "skipped" where no callback was given.

        Raises CallbackClosed, CallbackUnavailable, CallbackUnauthorised.
        """
        if not self.invocation.callback:
            return "skipped"
        callback.post_result(
            self.invocation.callback,
            trim(answer),
            outbound=Outbound(Origins(settings.callback_hosts, setting="CALLBACK_HOSTS")),
            credentials=credentials(settings, self.tenant),
            style=style(settings, self.tenant),
        )
        return "delivered"

    def when_safe(self, _store: Store, _settings: Settings, _kept: Kept | None) -> None:
        """Nothing: a temporary URL ends by itself."""

    def give_up_at(self, seconds: float) -> float:
        """When offering the answer ends: with Twilio's own deadline."""
        received = self.received_at.timestamp()
        return max(lanes.deadline(received, seconds), received + GIVE_UP_FLOOR_S)


def credentials(settings: Settings, tenant: str) -> list[Credentials]:
    """What the callback is offered: the install's own pair, then the partner's (protocol 1.8)."""
    own = settings.callback_credentials.get(tenant)
    pairs = [own.partition(":")] if own else []
    partner = Credentials(settings.twilio_account_sid, settings.twilio_auth_token)
    return [*(Credentials(name, secret) for name, _, secret in pairs), partner]


def style(settings: Settings, tenant: str) -> callback.Style:
    """How the callback wants its body: the install's own way, else everybody's (protocol 1.8)."""
    styles = settings.callback_style
    return cast(callback.Style, styles.get(tenant, styles[""]))
