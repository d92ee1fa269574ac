"""A Flex account on the Twilio stand-in, and a worker that serves it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from addon.archive.access_log import AccessLog
from addon.archive.archive import Archive
from addon.requests import acceptance
from addon.requests.request import Request
from addon.requests.state import RequestState
from addon.settings import Settings
from addon.twilio.status_callback import StatusCallback
from tests.calls import wav
from tests.conftest import ACCOUNT
from tests.outbound.loopback import Loopback
from tests.twilio.standin import KEY, KEY_SECRET, WORKSPACE, StandIn, sid
from workers import process
from workers.deliver import deliver
from workers.services import Services


@dataclass
class Flex:
    """The account, the deployment's settings, and what its worker works with."""

    twilio: StandIn
    settings: Settings
    monkeypatch: pytest.MonkeyPatch
    services: Services = None  # type: ignore[assignment]

    def configure(self, **changes: Any) -> None:
        """Start the worker again with other settings."""
        self.settings = self.settings.replace(**changes)
        self.become(Services.from_settings(self.settings.for_worker()))

    def become(self, services: Services) -> None:
        self.services = services
        self.monkeypatch.setattr("workers.services._made", {os.getpid(): services})

    def record(self, number: int = 1, audio: bytes | None = None, **more: Any) -> str:
        """Twilio records a call."""
        return self.twilio.record(number, wav(0.4) if audio is None else audio, **more)

    def announce(self, recording: str, **changes: Any) -> bool:
        """The callback arrives, as the web takes it."""
        asked = Request.flex(replace(self.callback(recording), **changes))
        return acceptance.accept(self.services.intake_store, self.services.dispatcher, asked)

    def callback(self, recording: str) -> StatusCallback:
        """Twilio's notice of a finished recording."""
        resource = self.twilio.recordings.get(recording, {})
        details = resource.get("encryption_details")
        return StatusCallback(
            account_sid=ACCOUNT,
            recording_sid=recording,
            status="completed",
            received_at=datetime.now(UTC),
            call_sid=resource.get("call_sid"),
            duration_seconds=1.0,
            channels=resource.get("channels"),
            started_at=datetime.now(UTC).replace(microsecond=0),
            source="Conference",
            encryption=json.dumps(details) if details else None,
        )

    def work(self, recording: str) -> str:
        """Both jobs; gives what became of the request."""
        process.process(recording)
        deliver(recording)
        outcome = self.services.intake_store.outcome(recording)
        assert outcome is not None, "the request is not finished"
        return str(outcome["answer"])

    def entry(self, recording: str) -> RequestState:
        entry = self.services.states.get(recording)
        assert entry is not None
        return entry

    @property
    def reader(self) -> Archive:
        return Archive.from_settings(self.settings)

    def archived(self, recording: str) -> bytes:
        return b"".join(self.reader.open(ACCOUNT, recording).read())

    def result(self, recording: str) -> dict[str, Any]:
        result: dict[str, Any] = self.reader.analysis(ACCOUNT, recording)["result"]
        return result

    def events(self, recording: str) -> list[str]:
        access_log = AccessLog(self.services.store)
        return [event["event"] for event in access_log.events(ACCOUNT, recording)]

    def task(self, number: int, **attributes: Any) -> str:
        """A task whose worker took the call of the recording of this number."""
        conference = {"participants": {"worker": sid("CA", number)}}
        return self.twilio.task(number, {"conference": conference, **attributes})


@pytest.fixture
def flex(
    settings: Settings, redis_server: object, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Flex]:
    with StandIn(storage=Loopback()).running() as twilio:
        assert twilio.storage is not None
        scene = Flex(twilio, settings, monkeypatch)
        scene.configure(
            twilio_base_url=twilio.host.origin,
            twilio_api_key=KEY,
            twilio_api_secret=KEY_SECRET,
            media_hosts=(twilio.storage.origin,),
            flex_workspace_sid=WORKSPACE,
            call_facts=(),  # asked for in tests of their own: they use up a stand-in's trouble
        )
        yield scene
