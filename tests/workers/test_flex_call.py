"""The facts of a Flex call: asked beside the analysis, never at the recording's expense."""

from __future__ import annotations

import json

import pytest

from addon.call_facts import NAMES, facts_of
from tests.conftest import ACCOUNT
from tests.outbound.loopback import Answer
from tests.twilio.standin import WORKSPACE, error, sid
from tests.workers.test_process import in_redis
from workers import flex_call

NUMBER = "+14158675309"
CALL = {
    "from": NUMBER,
    "to": "+18005551212",
    "direction": "inbound",
    "start_time": "Wed, 04 Mar 2026 10:15:00 +0000",
    "duration": "61",
}
CALL_PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{sid('CA', 9)}.json"
HTML = Answer(200, b"<html>Sign in</html>", {"Content-Type": "text/html"})


@pytest.fixture
def asking(flex):
    flex.configure(call_facts=NAMES)
    return flex


def taken(flex) -> str:
    """A task of recording 1 that Ada took; the customer's leg is call 9."""
    task = flex.task(
        1, call_sid=sid("CA", 9), direction="inbound", conversations={"outcome": "Sold"}
    )
    flex.twilio.calls[sid("CA", 9)] = CALL
    flex.twilio.tasks[task].queue = "Billing"
    flex.twilio.tasks[task].reservations = [
        {"sid": sid("WR", 1), "reservation_status": "completed", "worker_name": "Ada Lovelace"},
        {"sid": 7, "reservation_status": None},
    ]
    return task


def stored(flex, recording: str) -> dict:
    return facts_of(flex.reader.analysis(ACCOUNT, recording))


def test_task_and_call_resource_are_kept_with_the_analysis_and_nowhere_else(asking, printed):
    recording, task = asking.record(), taken(asking)
    asking.announce(recording)
    asking.work(recording)
    assert stored(asking, recording) == {
        "from": NUMBER,
        "to": "+18005551212",
        "direction": "inbound",
        "agent": "Ada Lovelace",
        "queue": "Billing",
        "outcome": "Sold",
        "task_sid": task,
        "started_at": "2026-03-04T10:15:00.000+00:00",
        "duration_seconds": 61.0,
    }
    objects = [asking.services.store.get(one.key) for one in asking.services.store.list("")]
    for personal in (NUMBER, "Lovelace"):
        assert personal not in in_redis(asking.services.redis)
        assert personal not in printed()
        assert not any(personal.encode() in one for one in objects)
    assert "call" not in asking.result(recording)


def test_an_erasure_takes_the_facts_along(asking):
    recording, _ = asking.record(), taken(asking)
    asking.announce(recording)
    asking.work(recording)
    archive = asking.reader
    assert stored(asking, recording)["from"] == NUMBER
    asking.services.archive.erase(ACCOUNT, recording, by="test", reason="asked for")
    assert archive.store.stat(f"recordings/{ACCOUNT}/{recording}/analysis.esdk") is None


@pytest.mark.parametrize(
    "answer", [error(429, 20429), error(500, 0), HTML], ids=["429", "500", "html"]
)
def test_a_source_that_fails_gives_a_reason_and_the_others_their_facts(asking, monkeypatch, answer):
    monkeypatch.setattr(flex_call, "ASKED_WITHIN_S", 1.0)
    recording, _ = asking.record(), taken(asking)
    asking.twilio.trouble[CALL_PATH] = [answer] * 9
    facts = flex_call.ask(asking.settings, asking.callback(recording))()
    assert (facts["agent"], facts["queue"]) == ("Ada Lovelace", "Billing")
    assert facts["started_at"] is None and facts["started_at_reason"]


def test_a_busy_source_is_asked_again_within_the_time(asking):
    recording, _ = asking.record(), taken(asking)
    asking.twilio.trouble[CALL_PATH] = [error(429, 20429)]
    assert flex_call.ask(asking.settings, asking.callback(recording))()["duration_seconds"] == 61.0


def test_a_call_and_a_task_that_are_gone_leave_reasons_and_the_recording_whole(asking):
    recording = asking.record()
    asking.announce(recording, task_sid=sid("WT", 5))
    asking.work(recording)
    facts = stored(asking, recording)
    assert facts["task_sid"] == sid("WT", 5)
    assert facts["from_reason"] == "There is no task of this call. Twilio knows no such call."
    assert asking.archived(recording) == asking.twilio.media[recording]


def test_a_defect_costs_the_facts_alone(asking, monkeypatch, printed):
    def broken(*_given):
        raise RuntimeError(NUMBER)

    monkeypatch.setattr(flex_call, "of_task", broken)
    recording, _ = asking.record(), taken(asking)
    facts = flex_call.ask(asking.settings, asking.callback(recording))()
    assert "could not be read" in facts["from_reason"]
    assert NUMBER not in printed()


def test_a_call_outside_flex_is_asked_for_by_itself(asking):
    asking.configure(flex_workspace_sid=None)
    recording = asking.record()
    asking.twilio.calls[sid("CA", 1)] = CALL
    facts = flex_call.ask(asking.settings, asking.callback(recording))()
    assert (facts["from"], facts["agent_reason"]) == (NUMBER, "FLEX_WORKSPACE_SID is not set.")


def test_only_what_is_kept_is_asked_for(asking):
    recording, _ = asking.record(), taken(asking)
    settings = asking.settings.replace(call_facts=("queue",))
    facts = flex_call.ask(settings, asking.callback(recording))()
    assert (facts["queue"], facts["from"]) == ("Billing", None)
    paths = [asked.path.partition("?")[0] for asked in asking.twilio.host.requests]
    assert CALL_PATH not in paths
    assert not any(path.endswith("/Reservations") for path in paths)
    none = flex_call.ask(settings.replace(call_facts=()), asking.callback(recording))()
    assert json.dumps(none).count("CALL_FACTS") == len(NAMES)
    assert f"/v1/Workspaces/{WORKSPACE}/Tasks" in paths
