"""A recording of Flex, as the jobs see it: a status callback, and a task that is to be told.

Nobody waits for its answer with a clock: there is no deadline, and "delivery" is pointing the task
at the archive. The recording's address is made from SIDs and never taken from the callback.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from addon.archive.store import Store
from addon.journal import Intake, Kept
from addon.settings import Settings
from addon.twilio.status_callback import StatusCallback
from workers import flex_deletion, flex_source, flex_task, lanes
from workers.lanes import Length

INTEGRATION = "FLEX"
"""What AGENT_CHANNEL calls every recording that comes this way."""

TASK_PATIENCE_S = 24 * 3600.0
"""How long TaskRouter is asked again while it does not answer: a task's usual life."""


@dataclass(frozen=True)
class FlexRequest:
    """One completed recording; see `workers.requests.Request` for what each kind can be asked."""

    callback: StatusCallback

    source: ClassVar[str] = "flex"
    has_deadline: ClassVar[bool] = False
    waits_for_source: ClassVar[bool] = True

    @classmethod
    def from_json(cls, text: str) -> FlexRequest:
        """From an intake record."""
        return cls(StatusCallback.from_json(text))

    def to_json(self) -> str:
        """For an intake record."""
        return self.callback.to_json()

    @property
    def sid(self) -> str:
        """The recording's SID: however often it is announced, it is one request."""
        return self.callback.recording_sid

    @property
    def recording_id(self) -> str:
        """The same."""
        return self.callback.recording_sid

    @property
    def tenant(self) -> str:
        """The account."""
        return self.callback.account_sid

    @property
    def received_at(self) -> datetime:
        """When it was first announced."""
        return self.callback.received_at

    @property
    def started_at(self) -> datetime | None:
        """When the recording began."""
        return self.callback.started_at

    @property
    def call_sid(self) -> str | None:
        """The leg that was recorded."""
        return self.callback.call_sid

    @property
    def integrations(self) -> tuple[str, ...]:
        """The way of recording as Twilio calls it, then all of Flex."""
        return ((self.callback.source or "").upper(), INTEGRATION)

    @property
    def length(self) -> Length:
        """Declared in seconds, always (protocol 4.1)."""
        seconds = self.callback.duration_seconds
        return Length(lanes.UNKNOWN_S if seconds is None else seconds, seconds)

    @property
    def lane(self) -> str | None:
        """What is only caught up on waits behind everything else; live work goes by length."""
        return lanes.BACKFILL if self.callback.announced_by == "backfill" else None

    @property
    def encryption(self) -> str | None:
        """What opens a recording that Twilio encrypted, as received."""
        return self.callback.encryption

    def audio(
        self, settings: Settings, _intake: Intake, tries: int
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The recording, in the clear. Raises as `flex_source.recording`."""
        return flex_source.recording(settings, self.callback, tries)

    def as_received(
        self, settings: Settings, _intake: Intake, tries: int
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes as Twilio gives them, encrypted where they are. Raises likewise."""
        return flex_source.as_received(settings, self.callback, tries)

    def offer(self, settings: Settings, answer: dict[str, Any]) -> str:
        """Point the task at the archive; what became of it. Raises TwilioUnavailable."""
        return flex_task.tell(settings, self.callback, answer)

    def when_safe(self, store: Store, settings: Settings, kept: Kept | None) -> None:
        """Plan the deletion at Twilio; what could not be analysed stays there."""
        if kept is not None and kept.answer["status"] == "successful":
            flex_deletion.plan(store, settings, self.callback)

    def give_up_at(self, _seconds: float) -> float:
        """When TaskRouter is not asked any more."""
        return self.received_at.timestamp() + TASK_PATIENCE_S
