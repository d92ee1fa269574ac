"""The handler of RingCentral requests: an entry of its call log, and nobody to answer.

There is no deadline. The bytes are fetched when a job runs, because RingCentral allows few
downloads a minute.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from addon import stored_documents
from addon.archive.archive import Archive
from addon.call_facts import Facts, gathered, source_of
from addon.errors import UnreadableDocument
from addon.requests.intake_store import IntakeRecord
from addon.requests.request import Request
from addon.requests.results import StoredResult
from addon.ringcentral.call_log import LoggedRecording
from addon.settings import Settings
from workers import ringcentral_source


class RingCentralHandler:
    """Fetches a recording from RingCentral; its result is in the archive and over the API alone."""

    waits_for_source = False

    def read(self, document: str) -> Request:
        """The request of an entry of the call log."""
        return Request.ringcentral(*_parts(document))

    def audio(
        self, settings: Settings, request: Request, _intake: IntakeRecord, tries: int
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The recording. Raises as `ringcentral_source.recording`."""
        recording, received_at, _ = _parts(request.document)
        return ringcentral_source.recording(settings, recording, received_at, tries)

    as_received = audio

    def ask_call(self, settings: Settings, request: Request) -> Callable[[], Facts]:
        """The facts of the call log's entry. Never raises."""
        recording, _, _ = _parts(request.document)
        return lambda: gathered(settings.call_facts, source_of(recording.call or {}))

    def send(self, _settings: Settings, _request: Request, _answer: dict[str, Any]) -> str:
        """Nobody is told."""
        return "skipped"

    def host(self, _settings: Settings, _request: Request) -> str:
        """Nobody is told."""
        return ""

    def when_safe(
        self,
        _archive: Archive,
        _settings: Settings,
        _request: Request,
        _result: StoredResult | None,
    ) -> None:
        """Nothing follows: RingCentral keeps its own for as long as it likes."""

    def give_up_at(self, request: Request, _seconds: float) -> float:
        """There is nothing to give up."""
        return request.received_at.timestamp()


def _parts(document: str) -> tuple[LoggedRecording, datetime, bool]:
    """The entry, when it was found, and whether it waits behind others; more may follow them."""
    try:
        entry, received_at, catching_up, *_ = json.loads(document)
    except ValueError:
        raise UnreadableDocument("a stored document (RingCentral request) is malformed") from None
    received = stored_documents.moment(received_at, "RingCentral request")
    return LoggedRecording.from_json(entry), received, bool(catching_up)
