"""The handler of Flex requests: a recording's status callback, and the task that it belongs to.

There is no deadline, and "delivery" is pointing the task at the archive. The recording's address is
made from SIDs and never taken from the callback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from addon.archive.archive import Archive
from addon.call_facts import Facts
from addon.outbound import split
from addon.requests.intake_store import IntakeRecord
from addon.requests.request import Request
from addon.requests.results import StoredResult
from addon.settings import Settings
from addon.twilio.rest import TwilioApi
from addon.twilio.status_callback import StatusCallback
from workers import deposit, flex_call, flex_deletion, flex_source, flex_task

TASK_PATIENCE_S = 24 * 3600.0
"""TaskRouter is asked again for this long while it does not answer: a task's usual life."""


class FlexHandler:
    """Fetches a recording from Twilio's REST API, and points its Flex task at the archive."""

    waits_for_source = True

    def read(self, document: str) -> Request:
        """The request of a status callback."""
        return Request.flex(StatusCallback.from_json(document))

    def audio(
        self, settings: Settings, request: Request, _intake: IntakeRecord, tries: int
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The recording, in the clear. Raises as `flex_source.recording`."""
        return flex_source.recording(settings, _callback(request), tries)

    def as_received(
        self, settings: Settings, request: Request, _intake: IntakeRecord, tries: int
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes as Twilio gives them, encrypted where they are. Raises likewise."""
        return flex_source.as_received(settings, _callback(request), tries)

    def ask_call(self, settings: Settings, request: Request) -> Callable[[], Facts]:
        """Ask TaskRouter and Twilio. Never raises."""
        return flex_call.ask(settings, _callback(request))

    def send(self, settings: Settings, request: Request, answer: dict[str, Any]) -> str:
        """Point the task at the archive; what became of it. Raises TwilioUnavailable."""
        rules = deposit.rules_of(settings, request)
        return flex_task.tell(settings, _callback(request), answer, rules)

    def host(self, settings: Settings, _request: Request) -> str:
        """TaskRouter's, where a workspace is set."""
        if not settings.flex_workspace_sid:
            return ""
        return str(split(TwilioApi.from_settings(settings).url("taskrouter", "/")).origin)

    def when_safe(
        self, archive: Archive, settings: Settings, request: Request, result: StoredResult | None
    ) -> None:
        """Plan the deletion at Twilio; what could not be analysed stays there."""
        if result is not None and result.answer["status"] == "successful":
            flex_deletion.plan(archive, settings, _callback(request))

    def give_up_at(self, request: Request, _seconds: float) -> float:
        """The end of a task's usual life."""
        return request.received_at.timestamp() + TASK_PATIENCE_S


def _callback(request: Request) -> StatusCallback:
    return StatusCallback.from_json(request.document)
