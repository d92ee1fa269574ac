"""Kill -9 between every two steps from the callback to the task: one archive, one task, no loss.

Each step is played through in a process of its own that ends itself at exactly that place.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from importlib import import_module

import pytest

from addon.requests.state import DONE
from tests.calls import wav
from workers import process
from workers.deliver import deliver
from workers.flex_deletion import delete_due, plans
from workers.services import Services
from workers.sweeper import Sweeper

STEPS = {
    "the intake store": "addon.requests.intake_store.IntakeStore.accept",
    "the queue": "addon.requests.dispatcher.Dispatcher.accept",
    "the download": "addon.twilio.recordings.Recordings.media",
    "the audio": "addon.archive.deposit.Deposit.audio",
    "the analysis": "addon.archive.deposit.Deposit.analysis",
    "the stored result": "addon.requests.intake_store.IntakeStore.store_result",
    "the commit": "addon.archive.deposit.Deposit.commit",
    "the hand-over": "workers.finalise.hand_over",
    "the task's read": "addon.twilio.taskrouter.TaskRouter.find",
    "the task's write": "addon.twilio.taskrouter.TaskRouter.update",
    "the outcome": "addon.requests.intake_store.IntakeStore.record_outcome",
    "the plan": "workers.flex_deletion.plan",
    "the clearing up": "addon.requests.intake_store.IntakeStore.remove",
}


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_killed_at_a_step_the_end_is_the_same(flex, monkeypatch, step, moment):
    flex.configure(delete_at_source_after_s=7200, flex_measures={"silence": "1"})
    audio = wav(0.5)
    recording, task = flex.record(audio=audio), flex.task(1, foreign="kept")

    def whole_way() -> None:
        flex.become(Services.from_settings(flex.settings.for_worker()))
        flex.announce(recording)
        process.process(recording)
        deliver(recording)

    with monkeypatch.context() as patch:
        kill_at(patch, step, moment)
        assert ended(forked(whole_way)) == -signal.SIGKILL
    recover(flex, recording)

    assert flex.archived(recording) == audio
    attributes = flex.twilio.attributes(task)
    (item,) = attributes["conversations"]["media"]
    assert recording in item["url_provider"]
    assert "conversation_measure_1" in attributes["conversations"]
    assert attributes["foreign"] == "kept"
    assert not flex.services.intake_store.is_waiting(recording)
    assert recording in flex.twilio.recordings
    assert [each.recording_sid for each in plans(flex.services.store)] == [recording]
    assert delete_due(flex.services) == 0


def recover(flex, recording: str) -> None:
    """What happens anyway: Twilio's reconciliation or a repeated callback, the sweeper, workers."""
    flex.announce(recording)
    flex.services.redis.delete(f"lease:process:{recording}", f"lease:deliver:{recording}")
    for _ in range(4):
        flex.services.states.look_again(recording, 0.0)
        Sweeper(flex.services).sweep()
        process.process(recording)
        deliver(recording)
    assert flex.entry(recording).state == DONE


def kill_at(patch: pytest.MonkeyPatch, target: str, moment: str) -> None:
    real = resolve(target)

    def killed(*args, **kwargs):
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    patch.setattr(target, killed)


def resolve(target: str):
    module, _, name = target.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError:
        return getattr(resolve(module), name)


def forked(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except BaseException:
        os._exit(1)
    os._exit(0)


def ended(child: int) -> int:
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)
