"""Kill -9 between every two steps from the callback to the task: one archive, one task, no loss.

Each step is played through in a process of its own that ends itself at exactly that place.
"""

from __future__ import annotations

import signal

import pytest

from addon.requests import acceptance
from addon.requests.request import Request
from addon.requests.state import DONE
from addon.settings import Settings
from tests.calls import wav
from tests.child import KillPoint
from tests.workers.working import become_worker
from workers import process
from workers.deliver import deliver
from workers.flex_deletion import delete_due, plans
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
def test_killed_at_a_step_the_end_is_the_same(flex, children, step, moment):
    flex.configure(delete_at_source_after_s=7200, flex_measures={"silence": "1"})
    audio = wav(0.5)
    recording, task = flex.record(audio=audio), flex.task(1, foreign="kept")
    asked = Request.flex(flex.callback(recording))
    killed = KillPoint(step, moment)
    assert children.run(whole_way, flex.settings, asked, kill=killed) == -signal.SIGKILL
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


def whole_way(settings: Settings, asked: Request) -> None:
    """In a process of its own: a recording is announced, archived, and its task told."""
    services = become_worker(settings)
    acceptance.accept(services.intake_store, services.dispatcher, asked)
    process.process(asked.sid)
    deliver(asked.sid)


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
