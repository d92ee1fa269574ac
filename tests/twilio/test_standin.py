"""The official client against the stand-in: what ours is tested with, Twilio's own accepts."""

from __future__ import annotations

import json

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.twilio.standin import ACCOUNT, EPOCH, WORKSPACE, StandIn, sid


def test_recordings_are_fetched_listed_in_pages_and_deleted(twilio: StandIn) -> None:
    numbers = [twilio.record(number) for number in range(5)]
    client = twilio.client()
    fetched = client.recordings(numbers[2]).fetch()
    assert (fetched.sid, fetched.status, fetched.channels) == (numbers[2], "completed", 2)
    listed = client.recordings.list(page_size=2)
    assert [each.sid for each in listed] == numbers[::-1]
    assert twilio.count("GET", f"/2010-04-01/Accounts/{ACCOUNT}/Recordings.json") == 3
    recent = client.recordings.list(date_created_after=EPOCH.replace(minute=18))
    assert [each.sid for each in recent] == [numbers[4], numbers[3]]
    assert client.recordings(numbers[0]).delete()
    with pytest.raises(TwilioRestException) as gone:
        client.recordings(numbers[0]).fetch()
    assert gone.value.code == 20404


def test_tasks_are_found_without_and_read_with_their_attributes(twilio: StandIn) -> None:
    task = twilio.task(1, {"call_sid": sid("CA", 1)})
    twilio.task(2, {"call_sid": sid("CA", 2)})
    tasks = twilio.client().taskrouter.v1.workspaces(WORKSPACE).tasks
    expression = f"call_sid == '{sid('CA', 1)}'"
    (listed,) = tasks.list(evaluate_task_attributes=expression)
    assert (listed.sid, listed.attributes) == (task, None)
    assert json.loads(tasks(task).fetch().attributes) == {"call_sid": sid("CA", 1)}


def test_a_task_is_written_only_over_the_version_named(twilio: StandIn) -> None:
    task = twilio.task(1, {})
    tasks = twilio.client().taskrouter.v1.workspaces(WORKSPACE).tasks
    tasks(task).update(attributes='{"a": 1}', if_match='"0"')
    with pytest.raises(TwilioRestException) as moved:
        tasks(task).update(attributes='{"a": 2}', if_match='"0"')
    assert (moved.value.status, moved.value.code) == (412, 20412)
    tasks(task).update(attributes='{"a": 3}')
    assert twilio.attributes(task) == {"a": 3}


def test_strangers_are_turned_away(twilio: StandIn) -> None:
    client = twilio.client()
    client.auth = ("AC", "wrong")
    with pytest.raises(TwilioRestException) as refused:
        client.recordings(twilio.record(1)).fetch()
    assert refused.value.status == 401
