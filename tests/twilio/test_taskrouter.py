from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from addon.errors import TwilioUnavailable
from addon.twilio.insights import RecordingMedia, with_media
from addon.twilio.taskrouter import ATTEMPTS, Outcome, TaskRouter, searches, unquoted
from tests.outbound.loopback import Answer
from tests.twilio.standin import WORKSPACE, StandIn, error, says, sid

TASKS = f"/v1/Workspaces/{WORKSPACE}/Tasks"
CA, CF = sid("CA", 1), sid("CF", 1)


def ours(twilio: StandIn) -> TaskRouter:
    return TaskRouter(twilio.rest(), WORKSPACE)


def conference(worker: str = CA, name: str = CF) -> dict[str, Any]:
    return {"conference": {"sid": name, "participants": {"worker": worker, "customer": "CAx"}}}


def add(key: str, value: Any = True) -> Any:
    def merge(attributes: dict[str, Any]) -> dict[str, Any]:
        attributes[key] = value
        return attributes

    return merge


class TestFinding:
    def test_a_task_is_found_by_the_workers_leg(self, twilio: StandIn) -> None:
        task = twilio.task(1, conference())
        twilio.task(2, conference(worker=sid("CA", 2), name=sid("CF", 2)))
        (found,) = ours(twilio).find(call_sid=CA)
        assert (found.sid, found.attributes, found.etag) == (task, conference(), '"0"')

    def test_a_task_is_found_by_conference_for_the_customers_leg(self, twilio: StandIn) -> None:
        task = twilio.task(1, conference(worker=sid("CA", 7)))
        assert [each.sid for each in ours(twilio).find(call_sid=CA, conference_sid=CF)] == [task]

    def test_a_task_without_a_conference_is_found_by_its_call(self, twilio: StandIn) -> None:
        task = twilio.task(1, {"call_sid": CA})
        assert [each.sid for each in ours(twilio).find(call_sid=CA)] == [task]

    def test_no_task_is_no_error(self, twilio: StandIn) -> None:
        twilio.task(1, conference(worker=sid("CA", 2), name=sid("CF", 2)))
        assert ours(twilio).find(call_sid=CA, conference_sid=CF) == []
        assert ours(twilio).find() == []

    def test_attributes_are_read_singly_as_a_list_has_none(self, twilio: StandIn) -> None:
        twilio.task(1, conference())
        ours(twilio).find(call_sid=CA)
        assert twilio.count("GET", f"{TASKS}/{sid('WT', 1)}") == 1

    def test_of_several_tasks_only_those_with_the_sid_are_found(self, twilio: StandIn) -> None:
        real = twilio.task(1, conference())
        twilio.task(2, {"conference": {"participants": {"worker": [CA, "CAother"]}}})
        assert [each.sid for each in ours(twilio).find(call_sid=CA)] == [real]

    def test_all_tasks_of_one_conference_are_given(self, twilio: StandIn) -> None:
        both = [twilio.task(number, conference(worker=sid("CA", 7))) for number in (1, 2)]
        assert [each.sid for each in ours(twilio).find(conference_sid=CF)] == both

    def test_a_task_that_vanishes_between_list_and_read_is_left_out(self, twilio: StandIn) -> None:
        task = twilio.task(1, conference())
        twilio.trouble[f"{TASKS}/{task}"] = [error(404, 20404)]
        assert ours(twilio).find(conference_sid=CF) == []

    @pytest.mark.parametrize("text", ["' OR 'a' == 'a", "CA1", "", sid("RE", 1), CA + "'"])
    def test_nothing_but_a_sid_becomes_part_of_an_expression(self, text: str) -> None:
        assert searches(text, text) == []

    def test_the_surest_search_is_first(self) -> None:
        assert searches(CA, CF) == [
            ("conference.participants.worker", CA),
            ("conference.sid", CF),
            ("call_sid", CA),
        ]

    @pytest.mark.parametrize(
        "answer", [error(400, 20001), error(401, 20003), Answer(503), error(429, 20429)]
    )
    def test_a_search_that_fails_is_never_taken_for_no_task(
        self, twilio: StandIn, answer: Answer
    ) -> None:
        twilio.trouble[TASKS] = [answer]
        with pytest.raises(TwilioUnavailable):
            ours(twilio).find(call_sid=CA)


class TestUpdating:
    def test_writes_what_was_merged_and_keeps_every_foreign_key(self, twilio: StandIn) -> None:
        task = twilio.task(1, {"theirs": {"deep": [1, None, "ü"]}})
        assert ours(twilio).update(task, add("ours")) is Outcome.WRITTEN
        assert twilio.attributes(task) == {"theirs": {"deep": [1, None, "ü"]}, "ours": True}

    def test_nothing_to_change_is_not_written(self, twilio: StandIn) -> None:
        task = twilio.task(1, {"ours": True})
        assert ours(twilio).update(task, add("ours")) is Outcome.UNCHANGED
        assert twilio.count("POST", f"{TASKS}/{task}") == 0

    def test_the_version_is_sent_back_as_it_came(self, twilio: StandIn) -> None:
        ours(twilio).update(twilio.task(1, {}), add("ours"))
        assert twilio.host.requests[-1].headers["if-match"] == '"0"'

    def test_another_writer_in_between_loses_nothing(self, twilio: StandIn) -> None:
        task = twilio.task(1, {"first": 1})
        tasks = twilio.client().taskrouter.v1.workspaces(WORKSPACE).tasks

        def another(_: str) -> None:
            twilio.before_write = None
            tasks(task).update(attributes=json.dumps({"first": 1, "second": 2}))

        twilio.before_write = another
        assert ours(twilio).update(task, add("ours")) is Outcome.WRITTEN
        assert twilio.attributes(task) == {"first": 1, "second": 2, "ours": True}
        assert twilio.count("GET", f"{TASKS}/{task}") == 2

    def test_two_writers_racing_on_one_task_both_keep_all_their_data(self, twilio: StandIn) -> None:
        task = twilio.task(1, {"foreign": "kept"})
        start = threading.Barrier(2)

        def writer(name: str) -> None:
            start.wait()
            for number in range(10):
                item = RecordingMedia(f"RE{name}{number}", url(f"RE{name}{number}"))
                assert as_a_job(twilio, task, item) is Outcome.WRITTEN

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(writer, ["a", "b"]))
        attributes = twilio.attributes(task)
        written = {each["url_provider"] for each in attributes["conversations"]["media"]}
        assert written == {url(f"RE{name}{n}") for name in "ab" for n in range(10)}
        assert len(attributes["conversations"]["media"]) == 20
        assert attributes["foreign"] == "kept"

    def test_a_task_written_to_without_end_is_left_for_later(self, twilio: StandIn) -> None:
        task = twilio.task(1, {})
        twilio.before_write = lambda name: twilio.write(name, lambda a: a.update(n=len(a)))
        with pytest.raises(TwilioUnavailable, match="faster"):
            ours(twilio).update(task, add("ours"))
        assert twilio.count("POST", f"{TASKS}/{task}") == ATTEMPTS
        assert "ours" not in twilio.attributes(task)

    def test_a_server_that_wants_no_quotes_gets_none(self, twilio: StandIn) -> None:
        twilio.quoted_etags = False
        task = twilio.task(1, {})
        assert ours(twilio).update(task, add("ours")) is Outcome.WRITTEN
        sent = [each.headers["if-match"] for each in twilio.host.requests if each.method == "POST"]
        assert sent == ['"0"', "0"]

    def test_weak_versions_lose_their_weakness_with_their_quotes(self) -> None:
        assert unquoted('W/"12"') == "12"
        assert unquoted("12") == "12"

    @pytest.mark.parametrize("etag", ["", None])
    def test_without_a_version_nothing_is_written(self, twilio: StandIn, etag: str | None) -> None:
        task = twilio.task(1, {})
        headers = {} if etag is None else {"ETag": etag}
        twilio.trouble[f"{TASKS}/{task}"] = [
            says(200, {"sid": task, "attributes": "{}"}, **headers)
        ]
        with pytest.raises(TwilioUnavailable, match="version"):
            ours(twilio).update(task, add("ours"))
        assert twilio.count("POST", f"{TASKS}/{task}") == 0

    def test_a_version_is_found_under_a_header_in_small_letters(self, twilio: StandIn) -> None:
        task = twilio.task(1, {})
        answer = says(200, {"sid": task, "attributes": "{}"}, etag='"0"')
        twilio.trouble[f"{TASKS}/{task}"] = [answer]
        assert ours(twilio).update(task, add("ours")) is Outcome.WRITTEN

    def test_a_task_that_is_gone_is_an_outcome(self, twilio: StandIn) -> None:
        assert ours(twilio).update(sid("WT", 404), add("ours")) is Outcome.GONE
        assert ours(twilio).update("../Workers", add("ours")) is Outcome.GONE
        task = twilio.task(1, {})
        twilio.before_write = lambda name: twilio.tasks.pop(name, None) and None
        assert ours(twilio).update(task, add("ours")) is Outcome.GONE

    @pytest.mark.parametrize("answer", [error(400, 20001), error(409, 20001)])
    def test_a_conflict_of_state_is_not_tried_again(self, twilio: StandIn, answer: Answer) -> None:
        task = twilio.task(1, {})

        def refuse(name: str) -> None:
            twilio.trouble[f"{TASKS}/{name}"] = []

        twilio.before_write = refuse
        read = says(200, {"sid": task, "attributes": "{}"}, ETag='"0"')
        twilio.trouble[f"{TASKS}/{task}"] = [read, answer]
        assert ours(twilio).update(task, add("ours")) is Outcome.REFUSED
        assert twilio.count("POST", f"{TASKS}/{task}") == 1

    @pytest.mark.parametrize("status", [401, 429, 503])
    def test_a_busy_or_strict_taskrouter_is_asked_again_later(
        self, twilio: StandIn, status: int
    ) -> None:
        task = twilio.task(1, {})
        read = says(200, {"sid": task, "attributes": "{}"}, ETag='"0"')
        busy = Answer(status, b"{}", {"Retry-After": "2"})
        twilio.trouble[f"{TASKS}/{task}"] = [read, busy]
        with pytest.raises(TwilioUnavailable) as later:
            ours(twilio).update(task, add("ours"))
        assert later.value.retry_after == (None if status == 401 else 2)

    @pytest.mark.parametrize("text", ["[]", "not JSON", '"x"', "null"])
    def test_attributes_that_are_no_object_are_never_overwritten(
        self, twilio: StandIn, text: str
    ) -> None:
        task = twilio.task(1, text)
        assert ours(twilio).update(task, add("ours")) is Outcome.REFUSED
        assert twilio.tasks[task].attributes == text

    def test_attributes_that_a_read_did_not_bring_are_never_overwritten(
        self, twilio: StandIn
    ) -> None:
        task = twilio.task(1, {"theirs": 1})
        read = says(200, {"sid": task, "attributes": None}, ETag='"0"')
        twilio.trouble[f"{TASKS}/{task}"] = [read]
        assert ours(twilio).update(task, add("ours")) is Outcome.REFUSED
        assert twilio.attributes(task) == {"theirs": 1}

    def test_empty_attributes_are_an_empty_object(self, twilio: StandIn) -> None:
        task = twilio.task(1, "")
        assert ours(twilio).update(task, add("ours")) is Outcome.WRITTEN

    def test_a_merge_that_works_in_place_is_still_seen_as_a_change(self, twilio: StandIn) -> None:
        task = twilio.task(1, {"list": [1]})

        def merge(attributes: dict[str, Any]) -> dict[str, Any]:
            attributes["list"].append(2)
            return attributes

        assert ours(twilio).update(task, merge) is Outcome.WRITTEN
        assert twilio.attributes(task) == {"list": [1, 2]}


def as_a_job(twilio: StandIn, task: str, item: RecordingMedia) -> Outcome:
    """Ask again where the race was lost five times, as the job does."""
    for _ in range(50):
        try:
            return ours(twilio).update(task, lambda attributes: with_media(attributes, item))
        except TwilioUnavailable:
            continue
    pytest.fail("fifty times five races were lost")


def url(recording: str) -> str:
    return f"https://play.example.net/flex/playback?recording_sid={recording}"
