"""A recording of RingCentral, as the jobs see it: an entry of its call log, and nobody to answer.

Nothing waits for it with a clock; its result is in the archive and over the API. The bytes are
fetched when its turn comes, because RingCentral allows few downloads a minute.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from addon.archive.store import Store
from addon.journal import Intake, Kept
from addon.ringcentral.call_log import Found
from addon.settings import Settings
from workers import lanes, ringcentral_source
from workers.lanes import Length

INTEGRATION = "RINGCENTRAL"
"""What AGENT_CHANNEL calls every recording that comes this way."""


@dataclass(frozen=True)
class RingCentralRequest:
    """One recording; see `workers.requests.Request` for what each kind can be asked."""

    found: Found
    received_at: datetime
    catching_up: bool = False

    source: ClassVar[str] = "ringcentral"
    has_deadline: ClassVar[bool] = False
    waits_for_source: ClassVar[bool] = False
    encryption: ClassVar[None] = None
    integrations: ClassVar[tuple[str, ...]] = (INTEGRATION,)

    @classmethod
    def from_json(cls, text: str) -> RingCentralRequest:
        """From an intake record."""
        found, received_at, catching_up = json.loads(text)
        moment = datetime.fromisoformat(received_at).astimezone(UTC)
        return cls(Found.from_json(found), moment, catching_up)

    def to_json(self) -> str:
        """For an intake record."""
        return json.dumps([self.found.to_json(), self.received_at.isoformat(), self.catching_up])

    @property
    def sid(self) -> str:
        """From the recording's id: however often it is found, it is one request."""
        return self.found.sid

    @property
    def recording_id(self) -> str:
        """The same."""
        return self.found.sid

    @property
    def tenant(self) -> str:
        """The account."""
        return self.found.tenant

    @property
    def started_at(self) -> datetime | None:
        """When the leg that was recorded began."""
        return self.found.started_at

    @property
    def call_sid(self) -> str | None:
        """The conversation: its parts are joined where it is played."""
        return self.found.call_sid

    @property
    def length(self) -> Length:
        """The leg's length, which the recording does not exceed."""
        seconds = self.found.duration_seconds
        return Length(lanes.UNKNOWN_S if seconds is None else seconds, seconds)

    @property
    def lane(self) -> str | None:
        """What is only caught up on waits behind everything else; live work goes by length."""
        return lanes.BACKFILL if self.catching_up else None

    def audio(
        self, settings: Settings, _intake: Intake, tries: int
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The recording. Raises as `ringcentral_source.recording`."""
        return ringcentral_source.recording(settings, self.found, self.received_at, tries)

    as_received = audio

    def offer(self, _settings: Settings, _answer: dict[str, Any]) -> str:
        """Nobody is told."""
        return "skipped"

    def when_safe(self, store: Store, settings: Settings, kept: Kept | None) -> None:
        """Nothing follows: RingCentral keeps its own for as long as it likes."""

    def give_up_at(self, _seconds: float) -> float:
        """There is nothing to give up."""
        return self.received_at.timestamp()
