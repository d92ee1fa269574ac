"""The task step: found, merged, written over what was read, and never at the archive's expense."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from addon.analysis.rules import open_rules
from addon.requests.state import DONE, WAITING
from addon.twilio.status_callback import StatusCallback
from tests.analysis import calls
from tests.calls import wav
from tests.conftest import ACCOUNT, PUBLIC_URL
from tests.outbound.loopback import Answer
from tests.twilio.standin import WORKSPACE, error, sid
from workers import flex_task, process
from workers.deliver import deliver
from workers.flex import TASK_PATIENCE_S
from workers.services import services
from workers.sweeper import Sweeper

TASKS = f"/v1/Workspaces/{WORKSPACE}/Tasks"


@pytest.fixture
def started() -> datetime:
    """A call of today: one that is older has no task any more."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)


def test_the_task_learns_where_and_when_and_who_is_on_which_channel(flex, started):
    recording, task = flex.record(), flex.task(1, customer="kept", conversations={"case": "4711"})
    flex.announce(recording, started_at=started)
    assert flex.work(recording) == "updated"
    attributes = flex.twilio.attributes(task)
    (item,) = attributes["conversations"]["media"]
    assert item == {
        "type": "VoiceRecording",
        "url_provider": f"{PUBLIC_URL}/flex/playback?recording_sid={recording}",
        "start_time": int(started.timestamp() * 1000),
        "channels": ["customer", "others"],
    }
    assert attributes["customer"] == "kept"
    assert attributes["conversations"]["case"] == "4711"
    assert "segment_link" not in attributes["conversations"]
    assert flex.entry(recording).state == DONE


def test_the_lost_numbers_come_back_where_the_settings_say(flex):
    flex.configure(
        flex_measures={"agent_talk": "1", "customer_talk": "2", "silence": "3", "crosstalk": "10"},
        flex_labels={"1": "Agent talk (s)"},
    )
    talk = calls.converse(20, 3)
    recording, task = flex.record(audio=calls.wav(talk.samples)), flex.task(1)
    flex.announce(recording)
    flex.work(recording)
    told = flex.twilio.attributes(task)["conversations"]
    found = flex.result(recording)["conversation"]
    assert found["agent_talk_seconds"] > 1
    assert told["conversation_measure_1"] == found["agent_talk_seconds"]
    assert told["conversation_measure_2"] == found["customer_talk_seconds"]
    assert told["conversation_measure_3"] == found["silence_seconds"]
    assert told["conversation_measure_10"] == found["crosstalk_seconds"]
    assert told["conversation_attribute_1"] == "Agent talk (s)"


def test_a_mono_recording_has_no_numbers_of_one_party_and_no_channels(flex):
    flex.configure(flex_measures={"agent_talk": "1", "silence": "2"})
    recording = flex.record(audio=wav(1.0, channels=1), channels=1)
    task = flex.task(1, conversations={"conversation_measure_1": 7})
    flex.announce(recording)
    flex.work(recording)
    told = flex.twilio.attributes(task)["conversations"]
    assert told["conversation_measure_1"] == 7
    assert "conversation_measure_2" in told
    assert "channels" not in told["media"][0]


def test_a_partys_sentiment_is_written_where_there_is_one(flex):
    flex.configure(flex_measures={"customer_sentiment": "1", "agent_sentiment": "2"})
    of_customer = [{"role": "customer", "compound": -0.4}]
    for sentiment, wanted in ((of_customer, [-0.4, 7]), (None, [7, 7])):
        told = flex_task.merged(
            {"conversations": {"conversation_measure_1": 7, "conversation_measure_2": 7}},
            settings=flex.services.settings,
            callback=_callback(sid("RE", 1)),
            result={
                "participants": [],
                "conversation": {},
                "transcript": {"sentences": [], "sentiment": sentiment},
            },
        )["conversations"]
        assert [told["conversation_measure_1"], told["conversation_measure_2"]] == wanted


class TestRules:
    """What rules found, in slots of the task."""

    @pytest.fixture
    def slots(self, flex):
        flex.configure(flex_categories={"refund": "4", "escalation": "5", "complaint": "6"})

        def written(categories, rules=None):
            told = flex_task.merged(
                {"conversations": {f"conversation_measure_{n}": "as it was" for n in (4, 5, 6)}},
                settings=flex.services.settings,
                callback=_callback(sid("RE", 1)),
                result={"participants": [], "conversation": {}, "categories": categories},
                rules=open_rules(rules or "starter"),
            )["conversations"]
            return [told[f"conversation_measure_{n}"] for n in (4, 5, 6)]

        return written

    def test_how_often_a_rule_was_met_is_written_and_zero_where_it_was_not(self, slots):
        found = {"rule": "refund", "status": "found"}
        both = [found | {"intervals": [[1, 2], [3, 4]]}, found | {"intervals": [[5, 6]]}]
        missing = {"rule": "escalation", "status": "missing", "intervals": []}
        assert slots([*both, missing]) == [3, 0, 0]

    def test_what_nobody_looked_for_or_could_not_tell_stays_as_it_was(self, slots):
        assert slots(None) == ["as it was"] * 3
        assert slots([], rules="off") == ["as it was"] * 3
        unknown = {"rule": "refund", "status": "unknown", "intervals": []}
        assert slots([unknown]) == ["as it was", 0, 0]


def test_segment_link_is_written_where_it_is_asked_for(flex):
    flex.configure(flex_segment_link=True)
    recording, task = flex.record(), flex.task(1)
    flex.announce(recording)
    flex.work(recording)
    told = flex.twilio.attributes(task)["conversations"]
    assert told["segment_link"] == told["media"][0]["url_provider"]


def test_a_reservation_that_the_callback_names_has_its_own_media_and_numbers(flex):
    flex.configure(flex_measures={"silence": "1"})
    recording = flex.record()
    other = {"media": [{"type": "Referenced", "url": "https://crm.example.com/1"}]}
    task = flex.task(5, conversations=other)
    reservation = sid("WR", 3)
    flex.announce(recording, task_sid=task, reservation_sid=reservation)
    assert flex.work(recording) == "updated"
    attributes = flex.twilio.attributes(task)
    own = attributes["reservation_attributes"][reservation]
    assert recording in own["media"][0]["url_provider"]
    assert "conversation_measure_1" in own
    assert attributes["conversations"] == other
    assert not any(urlsplit(each.path).path == TASKS for each in flex.twilio.host.requests)


@pytest.mark.parametrize(
    "attributes",
    [
        {"conference": {"participants": {"worker": sid("CA", 1)}}},
        {"conference": {"sid": sid("CF", 8), "participants": {"worker": sid("CA", 99)}}},
        {"call_sid": sid("CA", 1)},
    ],
    ids=["worker's leg", "conference", "call"],
)
def test_it_is_found_every_way(flex, attributes):
    recording, task = flex.record(), flex.twilio.task(1, attributes)
    flex.announce(recording, conference_sid=sid("CF", 8))
    assert flex.work(recording) == "updated"
    assert flex.twilio.attributes(task)["conversations"]["media"]


def test_a_second_recording_stands_beside_the_first_and_foreign_items(flex):
    foreign = {"type": "Referenced", "url": "https://crm.example.com/1"}
    task = flex.task(1, conversations={"media": [foreign]})
    first, second = flex.record(1), flex.record(2, call_sid=sid("CA", 1))
    for recording in (first, second, first):
        flex.announce(recording)
        if flex.services.intake_store.is_waiting(recording):
            flex.work(recording)
    media = flex.twilio.attributes(task)["conversations"]["media"]
    sids = [parse_qs(urlsplit(item.get("url_provider", "")).query) for item in media]
    assert media[0] == foreign
    assert sids[1:] == [{"recording_sid": [first]}, {"recording_sid": [second]}]


class TestNeverAtTheArchivesExpense:
    """What TaskRouter may say, and what becomes of the recording (spec/protocol 6.4)."""

    def finished(self, flex, recording, how):
        assert flex.archived(recording) == flex.twilio.media[recording]
        assert flex.services.intake_store.outcome(recording)["answer"] == how
        assert flex.entry(recording).state == DONE
        assert not flex.services.intake_store.is_waiting(recording)

    def test_a_task_that_is_gone(self, flex):
        recording = flex.record()
        flex.announce(recording)
        flex.work(recording)
        self.finished(flex, recording, "gone")

    def test_a_task_that_goes_between_the_search_and_the_read(self, flex):
        recording, task = flex.record(), flex.task(1)
        flex.announce(recording)
        flex.twilio.trouble[f"{TASKS}/{task}"] = [error(404, 20404)]
        flex.work(recording)
        self.finished(flex, recording, "gone")

    def test_a_task_that_goes_between_the_read_and_the_write(self, flex):
        recording, task = flex.record(), flex.task(1)
        flex.announce(recording)
        flex.twilio.before_write = flex.twilio.tasks.pop
        flex.work(recording)
        self.finished(flex, recording, "gone")
        assert task not in flex.twilio.tasks

    def test_a_named_task_that_is_gone_is_searched_for(self, flex):
        recording, task = flex.record(), flex.task(1)
        flex.announce(recording, task_sid=sid("WT", 77))
        flex.work(recording)
        self.finished(flex, recording, "updated")
        assert flex.twilio.attributes(task)["conversations"]["media"]

    def test_a_closed_task_is_not_tried_again(self, flex):
        recording, task = flex.record(), flex.task(1)
        flex.announce(recording)
        read = flex.twilio._task_document(task)
        etag = {"ETag": flex.twilio.tasks[task].etag}
        answers = [
            Answer(200, _json(read), etag),
            Answer(200, _json(read), etag),
            error(400, 20001, "state conflict"),
        ]
        flex.twilio.trouble[f"{TASKS}/{task}"] = answers
        flex.work(recording)
        self.finished(flex, recording, "refused")

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_taskrouter_that_is_busy_is_asked_again(self, flex, status):
        recording, task = flex.record(), flex.task(1)
        flex.announce(recording)
        flex.twilio.trouble[TASKS] = [error(status, 20429)]
        process.process(recording)
        deliver(recording)
        assert flex.entry(recording).delivery == WAITING
        assert flex.archived(recording) == flex.twilio.media[recording]
        deliver(recording)
        self.finished(flex, recording, "updated")
        assert flex.twilio.attributes(task)["conversations"]["media"]

    def test_it_is_not_asked_for_ever(self, flex):
        recording = flex.record()
        before = datetime.now(UTC) - timedelta(seconds=TASK_PATIENCE_S + 1)
        flex.announce(recording, received_at=before)
        flex.twilio.trouble[TASKS] = [error(503, 20500)]
        flex.work(recording)
        self.finished(flex, recording, "expired")

    def test_without_a_workspace_nothing_is_asked(self, flex):
        flex.configure(flex_workspace_sid=None)
        recording = flex.record()
        flex.announce(recording)
        flex.work(recording)
        self.finished(flex, recording, "skipped")
        assert not any("/Tasks" in each.path for each in flex.twilio.host.requests)

    def test_a_call_that_is_too_old_has_no_task(self, flex):
        recording = flex.record()
        flex.announce(recording, started_at=datetime.now(UTC) - flex_task.TASK_LIFE * 2)
        flex.work(recording)
        self.finished(flex, recording, "skipped")

    def test_it_has_no_deadline(self, flex):
        """Ten times its length means nothing here: nobody waits with a clock."""
        recording = flex.record()
        flex.announce(recording, received_at=datetime.now(UTC) - timedelta(hours=1))
        flex.services.states.look_again(recording, 0.0)
        Sweeper(flex.services).sweep()
        assert flex.services.intake_store.stored_result(recording) is None
        flex.task(1)
        flex.work(recording)
        self.finished(flex, recording, "updated")


def test_a_taskrouter_that_compares_versions_without_quotes_is_understood(flex):
    flex.twilio.quoted_etags = False
    recording, task = flex.record(), flex.task(1, foreign="kept")
    flex.announce(recording)
    assert flex.work(recording) == "updated"
    attributes = flex.twilio.attributes(task)
    assert attributes["foreign"] == "kept"
    assert attributes["conversations"]["media"]


def test_two_writers_racing_lose_neither_ones_data(flex):
    """Another program writes to the same task between each of our reads and writes."""
    recording, task = flex.record(), flex.task(1)
    flex.announce(recording)
    rounds = iter(range(3))

    def other_writes(name: str) -> None:
        number = next(rounds, None)
        if number is not None:
            flex.twilio.write(name, lambda attributes: attributes.update({f"other_{number}": 1}))

    flex.twilio.before_write = other_writes
    assert flex.work(recording) == "updated"
    attributes = flex.twilio.attributes(task)
    assert {"other_0", "other_1", "other_2", "conference", "conversations"} <= set(attributes)


def test_two_of_our_own_workers_on_one_task_lose_neither_recording(flex):
    task = flex.task(1)
    recordings = [flex.record(number, call_sid=sid("CA", 1)) for number in (1, 2)]
    for recording in recordings:
        flex.announce(recording)
        process.process(recording)
    both_read = threading.Barrier(2, timeout=60)
    met = []

    def meet(_: str) -> None:
        if len(met) < 2:
            met.append(1)
            both_read.wait()

    flex.twilio.before_write = meet
    workers = [threading.Thread(target=_deliver, args=(each,)) for each in recordings]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    media = flex.twilio.attributes(task)["conversations"]["media"]
    assert {item["url_provider"].partition("=")[2] for item in media} == set(recordings)


def _deliver(recording: str) -> None:
    """A loser of five races is offered again, as the sweeper would."""
    until = time.monotonic() + 60
    while services().intake_store.outcome(recording) is None and time.monotonic() < until:
        deliver(recording)


def test_the_same_step_twice_changes_nothing(flex):
    recording, task = flex.record(), flex.task(1)
    flex.announce(recording, started_at=None)
    flex.work(recording)
    version = flex.twilio.tasks[task].version
    callback = _callback(recording)
    answer = {"result": flex.result(recording)}
    assert flex_task.tell(flex.services.settings, callback, answer) == "updated"
    assert flex.twilio.tasks[task].version == version


def test_a_task_whose_host_changed_keeps_one_item(flex):
    """PUBLIC_URL may change; the recording stays the same."""
    recording, task = flex.record(), flex.task(1)
    flex.announce(recording)
    flex.work(recording)
    moved = flex.services.settings.replace(public_url="https://new.example.com")
    flex_task.tell(moved, _callback(recording), {"result": flex.result(recording)})
    (item,) = flex.twilio.attributes(task)["conversations"]["media"]
    assert item["url_provider"].startswith("https://new.example.com/")


def _callback(recording):
    return StatusCallback(ACCOUNT, recording, "completed", datetime.now(UTC), call_sid=sid("CA", 1))


def _json(document) -> bytes:
    return json.dumps(document).encode()
