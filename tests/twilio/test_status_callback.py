from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from addon.errors import Rejected, WrongAccount
from addon.twilio.recordings import Recording
from addon.twilio.status_callback import StatusCallback

NOW = datetime(2026, 3, 4, 11, 0, tzinfo=UTC)
AC, CA, RE = "AC" + "0a" * 16, "CA" + "1b" * 16, "RE" + "2c" * 16
FIELDS = {
    "AccountSid": AC,
    "CallSid": CA,
    "RecordingSid": RE,
    "RecordingUrl": f"https://api.twilio.com/2010-04-01/Accounts/{AC}/Recordings/{RE}",
    "RecordingStatus": "completed",
    "RecordingDuration": "37",
    "RecordingChannels": "2",
    "RecordingSource": "StartCallRecordingAPI",
    "RecordingStartTime": "Wed, 04 Mar 2026 10:15:30 +0000",
    "RecordingTrack": "both",
    "ErrorCode": "0",
}


def read(**more: str) -> StatusCallback:
    return StatusCallback.from_fields(MultiDict({**FIELDS, **more}), accounts={AC}, now=NOW)


def test_all_documented_parameters_are_read() -> None:
    assert read(ConferenceSid="CF" + "3d" * 16, EncryptionDetails="{}") == StatusCallback(
        account_sid=AC,
        recording_sid=RE,
        status="completed",
        received_at=NOW,
        call_sid=CA,
        conference_sid="CF" + "3d" * 16,
        duration_seconds=37,
        channels=2,
        started_at=datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC),
        source="StartCallRecordingAPI",
        track="both",
        error_code=None,
        encryption="{}",
    )


@pytest.mark.parametrize(
    ("status", "fetchable"),
    [
        ("completed", True),
        ("Completed", True),
        ("in-progress", False),
        ("absent", False),
        ("failed", False),
        ("paused", False),
        ("something-new", False),
    ],
)
def test_only_a_completed_recording_is_fetched_and_no_status_is_an_error(
    status: str, fetchable: bool
) -> None:
    assert read(RecordingStatus=status).fetchable is fetchable


def test_why_a_recording_is_absent_is_kept() -> None:
    assert read(RecordingStatus="absent", ErrorCode="16104").error_code == "16104"


def test_a_conference_may_come_without_a_call_and_a_call_without_a_conference() -> None:
    assert read(CallSid="").call_sid is None
    assert read().conference_sid is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("CallSid", "CA' OR '1"),
        ("RecordingChannels", "7"),
        ("RecordingDuration", "-1"),
        ("RecordingStartTime", "today"),
    ],
)
def test_a_malformed_optional_parameter_is_absent(field: str, value: str) -> None:
    callback = read(**{field: value})
    assert None in (
        callback.call_sid,
        callback.channels,
        callback.duration_seconds,
        callback.started_at,
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("RecordingSid", ""),
        ("RecordingSid", "RE1"),
        ("RecordingSid", CA),
        ("RecordingStatus", " "),
        ("AccountSid", "../x"),
    ],
)
def test_without_an_identity_it_is_rejected(field: str, value: str) -> None:
    with pytest.raises(Rejected):
        read(**{field: value})


def test_another_account_is_not_served() -> None:
    with pytest.raises(WrongAccount):
        read(AccountSid="AC" + "ff" * 16)


def test_a_plugins_task_and_reservation_are_read_and_nothing_else_that_stands_there() -> None:
    named = read(task_sid="WT" + "4e" * 16, reservation_sid="WR" + "5f" * 16)
    assert (named.task_sid, named.reservation_sid) == ("WT" + "4e" * 16, "WR" + "5f" * 16)
    wrong = read(task_sid="WR" + "5f" * 16, reservation_sid="' or 1 == 1")
    assert (wrong.task_sid, wrong.reservation_sid) == (None, None)


def test_a_listed_recording_gives_the_callback_that_was_missed() -> None:
    listed = Recording.from_resource(
        {
            "sid": RE,
            "account_sid": AC,
            "status": "completed",
            "call_sid": CA,
            "conference_sid": "not a SID",
            "source": "StartCallRecordingAPI",
            "channels": 2,
            "duration": "37",
            "start_time": "Wed, 04 Mar 2026 10:15:30 +0000",
        }
    )
    found = StatusCallback.from_recording(listed, announced_by="list", now=NOW)
    assert found == replace(read(), track=None, announced_by="list")


def test_a_listed_recordings_encryption_is_text_as_in_a_callback() -> None:
    details = {"encryption_public_key_sid": "CR1", "encryption_cek": "x", "encryption_iv": "y"}
    listed = Recording(RE, AC, "completed", encryption=details)
    found = StatusCallback.from_recording(listed, announced_by="backfill", now=NOW)
    assert found.encryption is not None and json.loads(found.encryption) == details


def test_a_callback_comes_back_as_it_was_stored() -> None:
    for callback in (read(), read(RecordingStartTime="", EncryptionDetails='{"iv":"x"}')):
        assert StatusCallback.from_json(callback.to_json()) == callback


@given(st.dictionaries(st.sampled_from(sorted({*FIELDS, "EncryptionDetails", "New"})), st.text()))
def test_no_parameters_end_in_another_error(fields: dict[str, str]) -> None:
    try:
        callback = read(**fields)
    except Rejected:
        return
    assert StatusCallback.from_json(callback.to_json()) == callback
