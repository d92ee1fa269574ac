"""One request, many deliveries, killed anywhere: one job, and nothing lost once it was accepted."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from rq.queue import Queue

from addon.errors import QueueUnavailable
from addon.requests import acceptance, scheduling
from addon.requests.admission import AdmissionControl
from addon.requests.request import Request
from addon.settings import Settings
from addon.twilio.invocation import Invocation
from tests.calls import wav
from tests.child import KillPoint, ended
from tests.web.requests import INSTALL, new_sid
from workers.services import Services
from workers.sweeper import Sweeper

AUDIO = wav(0.5)


def request(sid: str) -> Request:
    return Request.marketplace(
        Invocation(request_sid=sid, received_at=datetime.now(UTC), install=INSTALL, has_audio=True)
    )


def accept(services: Services, sid: str) -> bool:
    return acceptance.accept(services.intake_store, services.dispatcher, request(sid), [AUDIO])


def accept_each(settings: Settings, sids: list[str]) -> None:
    """In a process of its own: the requests arrive there."""
    services = Services.from_settings(settings)
    for sid in sids:
        accept(services, sid)


def jobs(services: Services) -> int:
    return sum(Queue(queue, connection=services.redis).count for queue in scheduling.ALL_QUEUES)


def test_two_hundred_at_once_make_one_job(services):
    sid = new_sid()
    with ThreadPoolExecutor(32) as pool:
        fresh = list(pool.map(lambda _: accept(services, sid), range(200)))
    assert fresh.count(True) == 1
    assert jobs(services) == 1
    assert b"".join(services.intake_store.open(sid).audio) == AUDIO


def test_many_requests_by_several_processes_make_one_job_each(settings, services, children):
    sids = [new_sid() for _ in range(10)]
    started = [children.start(accept_each, settings, sids) for _ in range(4)]
    assert [ended(child) for child in started] == [0] * 4
    assert jobs(services) == len(sids)


def test_without_room_nothing_is_written_and_what_is_known_is_still_known(services, monkeypatch):
    known, unknown = new_sid(), new_sid()
    accept(services, known)
    monkeypatch.setattr(AdmissionControl, "has_room", lambda _: False)
    with pytest.raises(QueueUnavailable):
        accept(services, unknown)
    assert not accept(services, known)
    assert [each.key for each in services.store.list()] == [f"intake/{known}"]
    assert jobs(services) == 1


def test_without_room_what_was_accepted_is_queued_again(services, as_worker, monkeypatch):
    sid = new_sid()
    accept(services, sid)
    services.redis.flushall()
    monkeypatch.setattr(AdmissionControl, "has_room", lambda _: False)
    Sweeper(services).sweep()
    assert jobs(services) == 1


STEPS = {
    "before the store": KillPoint("addon.requests.intake_store.IntakeStore.accept", "before"),
    "in the middle of the upload": KillPoint("addon.durable_files.Draft.write", "after"),
    "after the store": KillPoint("addon.requests.intake_store.IntakeStore.accept", "after"),
    "before the transaction": KillPoint("addon.redis_commands.Script.__call__", "before"),
    "after the transaction": KillPoint("addon.redis_commands.Script.__call__", "after"),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_killed_between_two_steps_the_next_delivery_makes_it_good(
    settings, services, children, step
):
    sid = new_sid()
    assert children.run(accept_each, settings, [sid], kill=step) == -signal.SIGKILL
    for _ in range(3):
        accept(services, sid)
    assert jobs(services) == 1
    assert b"".join(services.intake_store.open(sid).audio) == AUDIO
    assert [each.key for each in services.store.list("intake/")] == [f"intake/{sid}"]
