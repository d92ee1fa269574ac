"""One request, many deliveries, killed anywhere: one job, and nothing lost once it was accepted."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from rq.queue import Queue

from addon.errors import QueueUnavailable
from addon.requests import acceptance, scheduling
from addon.requests.admission import AdmissionControl
from addon.requests.request import Request
from addon.twilio.invocation import Invocation
from tests.calls import wav
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


def jobs(services: Services) -> int:
    return sum(Queue(queue, connection=services.redis).count for queue in scheduling.ALL_QUEUES)


def test_two_hundred_at_once_make_one_job(services):
    sid = new_sid()
    with ThreadPoolExecutor(32) as pool:
        fresh = list(pool.map(lambda _: accept(services, sid), range(200)))
    assert fresh.count(True) == 1
    assert jobs(services) == 1
    assert b"".join(services.intake_store.open(sid).audio) == AUDIO


def test_many_requests_by_several_processes_make_one_job_each(settings, services):
    sids = [new_sid() for _ in range(10)]
    children = [
        _forked(settings, lambda mine: [accept(mine, sid) for sid in sids]) for _ in range(4)
    ]
    assert [_ended(child) for child in children] == [0] * 4
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
    "before the store": ("addon.requests.intake_store.IntakeStore.accept", "before"),
    "in the middle of the upload": ("addon.archive.message.encrypt", "inside"),
    "after the store": ("addon.requests.intake_store.IntakeStore.accept", "after"),
    "before the transaction": ("redis.client.Pipeline.execute", "before"),
    "after the transaction": ("redis.client.Pipeline.execute", "after"),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_killed_between_two_steps_the_next_delivery_makes_it_good(
    settings, services, monkeypatch, step
):
    sid = new_sid()
    target, moment = step
    with monkeypatch.context() as patch:
        _kill_at(patch, target, moment)
        assert _ended(_forked(settings, lambda mine: accept(mine, sid))) == -signal.SIGKILL
    for _ in range(3):
        accept(services, sid)
    assert jobs(services) == 1
    assert b"".join(services.intake_store.open(sid).audio) == AUDIO
    assert [each.key for each in services.store.list("intake/")] == [f"intake/{sid}"]


def _kill_at(patch: pytest.MonkeyPatch, target: str, moment: str) -> None:
    real = _resolve(target)

    def killed(*args, **kwargs):
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **kwargs)
        if moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return _cut_short(result)

    patch.setattr(target, killed)


def _cut_short(blocks):
    yield next(iter(blocks))
    os.kill(os.getpid(), signal.SIGKILL)


def _resolve(target: str):
    import importlib

    module, _, name = target.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        return getattr(_resolve(module), name)


def _forked(settings, work) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        work(Services.from_settings(settings))
    except BaseException:
        os._exit(1)
    os._exit(0)


def _ended(pid: int) -> int:
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)
