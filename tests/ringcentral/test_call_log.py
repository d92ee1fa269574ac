"""The call log: every recording once, with the conversation it belongs to."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from addon.archive.names import checked_id
from addon.ringcentral.call_log import CALL_LOG, CallLogPage, LoggedRecording, conversation, page
from tests.ringcentral.standin import ACCOUNT, says

SINCE = datetime(2026, 3, 4, tzinfo=UTC)
URI = "https://media.ringcentral.com/restapi/v1.0/account/400123456/recording/77/content"


def one(api, caller, standin, record):
    """The recordings of a log with this one record."""
    standin.trouble[CALL_LOG] = [says(200, {"records": [record]})]
    return page(api, caller, since=SINCE).recordings


def test_what_is_asked(api, caller, standin):
    until = datetime(2026, 3, 5, 1, 2, 3, 4000, tzinfo=UTC)
    page(api, caller, since=SINCE, until=until, number=2)
    (request,) = standin.host.requests
    assert {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()} == {
        "view": "Detailed",
        "recordingType": "All",
        "dateFrom": "2026-03-04T00:00:00.000Z",
        "dateTo": "2026-03-05T01:02:03.004Z",
        "page": "2",
        "perPage": "100",
    }


def test_a_recording_on_many_legs_is_one(api, caller, standin):
    first = standin.record(1, session="s-1", start="2026-03-04T10:00:05.000Z", duration=7)
    second = standin.record(2, session="s-1", start="2026-03-04T10:00:00.000Z", duration=60)
    found = page(api, caller, since=SINCE)
    assert sorted(each.id for each in found.recordings) == [first.id, second.id]
    assert found.sessions == {"s-1"}
    by_id = {each.id: each for each in found.recordings}
    assert by_id[first.id].started_at == datetime(2026, 3, 4, 10, 0, 5, tzinfo=UTC)
    assert by_id[first.id].duration_seconds == 7.0
    assert {each.call_sid for each in found.recordings} == {"s-1"}
    assert {each.tenant for each in found.recordings} == {f"RC-{ACCOUNT}"}


def test_pages_follow_one_another(api, caller, standin):
    for number in range(205):
        standin.record(number, session=f"s-{number}", audio=b"RIFF")
    pages = [page(api, caller, since=SINCE, number=number) for number in (1, 2, 3)]
    assert [len(each.recordings) for each in pages] == [100, 100, 5]
    assert [each.more for each in pages] == [True, True, False]


def test_one_conversation_can_be_asked_for(api, caller, standin):
    standin.record(1, session="s-1")
    standin.record(2, session="s-2")
    assert [each.id for each in conversation(api, caller, "s-2").recordings] == ["5002"]


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"recording": None},
        {"recording": {}},
        {"recording": {"id": "77"}},
        {"recording": {"id": None, "contentUri": URI}},
        {"recording": {"id": True, "contentUri": URI}},
        {"recording": {"id": "", "contentUri": URI}},
        {"recording": {"id": "77", "contentUri": 7}},
        {"recording": "77"},
        {"legs": "none"},
        {"legs": [None, 7, {"recording": []}]},
    ],
)
def test_an_odd_entry_is_passed_over(api, caller, standin, record):
    assert one(api, caller, standin, record) == []


@pytest.mark.parametrize(
    "document", [{}, {"records": None}, {"records": {"a": 1}}, {"records": [7]}]
)
def test_a_log_without_entries_is_empty(api, caller, standin, document):
    standin.trouble[CALL_LOG] = [says(200, document)]
    assert page(api, caller, since=SINCE) == CallLogPage([], frozenset(), more=False)


def test_what_is_missing_is_unknown(api, caller, standin):
    (found,) = one(api, caller, standin, {"recording": {"id": 77, "contentUri": "u"}})
    assert (found.id, found.session, found.started_at, found.duration_seconds) == (
        "77",
        None,
        None,
        None,
    )
    assert (found.call_sid, found.tenant) == (None, "RC-unknown")


@pytest.mark.parametrize("moment", ["", "yesterday", 7, None])
def test_a_moment_that_is_none_is_unknown(api, caller, standin, moment):
    record = {"startTime": moment, "recording": {"id": "77", "contentUri": URI}}
    (found,) = one(api, caller, standin, record)
    assert found.started_at is None


def test_an_older_call_goes_by_its_sessions_number(api, caller, standin):
    record = {"sessionId": "12345", "recording": {"id": "77", "contentUri": URI}}
    (found,) = one(api, caller, standin, record)
    assert found.call_sid == "12345"


@pytest.mark.parametrize("text", ["77", "a/b", "../x", "x" * 200, "é", "a b", ".hidden", "-1"])
def test_every_name_is_one_that_the_archive_can_hold(text):
    found = LoggedRecording(text, text, URI, text, None, None)
    for name in (found.sid, found.tenant, found.call_sid):
        assert checked_id(name) == name
    other = LoggedRecording(text + "0", text, URI, text, None, None)
    assert other.sid != found.sid


def test_the_journal_gives_back_what_it_was_given():
    moment = datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC)
    for found in (
        LoggedRecording("77", ACCOUNT, URI, "s-1", moment, 3.5),
        LoggedRecording("77", ACCOUNT, URI, None, None, None),
    ):
        assert LoggedRecording.from_json(found.to_json()) == found
