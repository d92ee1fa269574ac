"""The handler of each source of requests: it fetches the recording and sends the result.

A job asks a handler by the request's source and never asks which one it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Protocol

from addon.archive.archive import Archive
from addon.call_facts import Facts
from addon.errors import UnreadableDocument
from addon.requests.intake_store import IntakeRecord
from addon.requests.request import FLEX, MARKETPLACE, RINGCENTRAL, Request
from addon.requests.results import StoredResult
from addon.settings import Settings
from workers.flex import FlexHandler
from workers.marketplace import MarketplaceHandler
from workers.ringcentral import RingCentralHandler


class Handler(Protocol):
    """A source of requests, as jobs use it; without state, one object serves every request."""

    waits_for_source: bool
    """True where only the source's own word ends the waiting for a recording's bytes."""

    def read(self, document: str) -> Request:
        """The request in a source's own document. Raises UnreadableDocument."""

    def audio(
        self, settings: Settings, request: Request, intake: IntakeRecord, tries: int
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The recording in the clear; `tries` counts the failed downloads so far.

        Raises SourceUnavailable, SourceGone, SourceRefused, UnreadableAudio.
        """

    def as_received(
        self, settings: Settings, request: Request, intake: IntakeRecord, tries: int
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The recording's bytes exactly as they come. Raises as `audio`."""

    def ask_call(self, settings: Settings, request: Request) -> Callable[[], Facts]:
        """Begin to ask for the facts of the call; the function gives them, in a bounded time.

        Neither raises.
        """

    def send(self, settings: Settings, request: Request, answer: dict[str, Any]) -> str:
        """Hand the answer over once; "delivered", "skipped" or what became of the Flex task.

        Raises DeliveryError, TwilioUnavailable.
        """

    def host(self, settings: Settings, request: Request) -> str:
        """The origin that `send` speaks to, as "https://host"; empty where it speaks to none."""

    def when_safe(
        self, archive: Archive, settings: Settings, request: Request, result: StoredResult | None
    ) -> None:
        """Do what follows once the recording is archived; called again after a crash."""

    def give_up_at(self, request: Request, seconds: float) -> float:
        """Until when the answer is sent again, for a recording of so many seconds."""


HANDLERS: dict[str, Handler] = {
    MARKETPLACE: MarketplaceHandler(),
    FLEX: FlexHandler(),
    RINGCENTRAL: RingCentralHandler(),
}


def of(request: Request) -> Handler:
    """The handler of a request's source."""
    return HANDLERS[request.source]


def read(intake: IntakeRecord) -> Request:
    """The request in an intake record. Raises UnreadableDocument, also for an unknown source."""
    handler = HANDLERS.get(intake.source)
    if handler is None:
        raise UnreadableDocument(f"an intake record names the source {intake.source[:32]!r}")
    return replace(handler.read(intake.request), signature=intake.signature)
