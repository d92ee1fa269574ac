"""Flex over real processes: callbacks, what no callback announced, and kills while it works."""

from __future__ import annotations

import email.utils
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import urllib3

from tests.calls import wav
from tests.end_to_end.deployment import Deployment, deployed, eventually
from tests.outbound.loopback import Loopback
from tests.stack.running import descendants
from tests.twilio.standin import ACCOUNT, TOKEN, WORKSPACE, StandIn, sid

pytestmark = pytest.mark.stack


@dataclass
class Account:
    """Twilio, and the service that archives what it records."""

    twilio: StandIn
    service: Deployment

    def record(self, number: int) -> str:
        began = email.utils.format_datetime(datetime.now(UTC) - timedelta(hours=1))
        self.twilio.task(number, {"conference": {"participants": {"worker": sid("CA", number)}}})
        return self.twilio.record(number, wav(1.0), start_time=began, date_created=began)

    def call_back(self, recording: str) -> int:
        return self.twilio.call_back(self.service.url, recording)

    def is_archived(self, recording: str) -> bool:
        with suppress(Exception):
            opened = self.service.archive.open(ACCOUNT, recording)
            return b"".join(opened.read()) == self.twilio.media[recording]
        return False

    def is_told(self, number: int) -> bool:
        conversations = self.twilio.attributes(sid("WT", number)).get("conversations", {})
        media = conversations.get("media", [])
        return len(media) == 1 and "conversation_measure_3" in conversations


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with StandIn(storage=Loopback()).running() as twilio:
        assert twilio.storage is not None
        with deployed(
            tmp_path_factory.mktemp("flex"),
            TWILIO_ACCOUNT_SID=ACCOUNT,
            TWILIO_AUTH_TOKEN=TOKEN,
            TWILIO_BASE_URL=twilio.host.origin,
            MEDIA_HOSTS=twilio.storage.origin,
            FLEX_WORKSPACE_SID=WORKSPACE,
            FLEX_MEASURES="silence=3",
            FLEX_RECONCILE_EVERY_S="2",
        ) as service:
            yield Account(twilio, service)


def test_announced_or_not_every_recording_is_archived_and_its_task_told(account):
    announced, unannounced = account.record(1), account.record(2)
    assert account.call_back(announced) == 204
    for number, recording in ((1, announced), (2, unannounced)):
        eventually(lambda each=recording: account.is_archived(each))
        eventually(lambda each=number: account.is_told(each))
    assert account.call_back(unannounced) == 204
    services = account.service.services()
    eventually(lambda: not list(services.intake_store.waiting()))
    assert services.states.get(unannounced).attempts == 1


def test_killed_again_and_again_nothing_is_lost_and_no_task_told_twice(account):
    dice = random.Random(7)
    services = account.service.services()
    numbers = range(11, 19)
    recordings = {number: account.record(number) for number in numbers}
    for number in numbers:
        with suppress(urllib3.exceptions.HTTPError):
            account.call_back(recordings[number])
        if number == 14:
            services.redis.flushall()
        victims = sorted(descendants(account.service.stack.process.pid))
        workers = [pid for pid in victims if _is_worker(pid)]
        if workers:
            with suppress(ProcessLookupError):
                os.kill(dice.choice(workers), signal.SIGKILL)
        time.sleep(dice.uniform(0.1, 0.4))
    for number in numbers:
        eventually(lambda each=number: account.is_archived(recordings[each]), 90)
        eventually(lambda each=number: account.is_told(each), 90)


def _is_worker(pid: int) -> bool:
    """The launcher's children: lanes, sweeper and the jobs below them; not Redis, not the web."""
    with suppress(OSError):
        return b"-m\0workers\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
