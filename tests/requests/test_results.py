"""Results: the document that is sent, and the form in which it waits."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from addon.errors import DeadlineMissed, UnreadableDocument
from addon.requests import results
from addon.requests.results import StoredResult

STORED = StoredResult({"status": "successful", "code": None}, final=True, archivable=False)


def test_a_stored_result_is_read_as_it_was_written():
    assert StoredResult.from_bytes(STORED.to_bytes()) == STORED


def test_a_field_of_a_later_release_is_left_out():
    later = json.loads(STORED.to_bytes()) | {"from_a_later_release": 1}
    assert StoredResult.from_bytes(json.dumps(later).encode()) == STORED


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"answer": {}, "final": true}'])
def test_what_is_no_stored_result_is_a_clear_error(body):
    with pytest.raises(UnreadableDocument):
        StoredResult.from_bytes(body)


@pytest.mark.parametrize(("asked", "sent"), [(True, {"audio", "waveform"}), (False, {"audio"})])
def test_the_callback_gets_the_waveform_where_the_setting_asks_for_it(settings, asked, sent):
    found = {"audio": {}, "waveform": {}, "redaction": {"status": "complete"}}
    changed = settings.replace(result_waveform=asked)
    assert set(results.for_callback("XR1", found, changed)["result"]) - {"redaction"} == sent


def _said(status: str) -> dict[str, object]:
    return {
        "redaction": {"status": status, "reason": "Digits were still heard."},
        "transcript": {"sentences": [{"transcript": "four two"}]},
        "categories": [{"rule": "paying", "intervals": [[1, 2], [3, 4]], "text": ["four", None]}],
        "call_analytics": {"Transcript": [{"Content": "four two"}], "Channel": "VOICE"},
    }


def test_the_callback_gets_no_words_of_a_recording_that_is_withheld(settings):
    required = settings.replace(redact_dtmf="required", result_waveform=True)
    sent = results.for_callback("XR1", _said("incomplete"), required)["result"]
    assert sent["transcript"] is None
    assert sent["transcript_reason"] == "Withheld: Digits were still heard."
    assert sent["categories"][0]["intervals"] == [[1, 2], [3, 4]]
    assert sent["categories"][0]["text"] == [None, None]
    assert sent["call_analytics"] == {"Channel": "VOICE"}


@pytest.mark.parametrize(
    ("redact_dtmf", "status"), [("on", "incomplete"), ("required", "complete")]
)
def test_the_callback_gets_the_words_of_what_may_be_heard(settings, redact_dtmf, status):
    ours = settings.replace(redact_dtmf=redact_dtmf)
    found = _said(status)
    assert results.for_callback("XR1", found, ours)["result"] == found


def test_a_failure_says_why_and_what_helps():
    error = DeadlineMissed("the recording could not be processed in time")
    document = results.failed("XR1", error)
    assert (document["status"], document["code"]) == ("failed", DeadlineMissed.code)
    assert document["message"] == f"{error.message}. {error.remedy}"
    assert document["result"] is None


def test_times_are_seconds_and_a_multiple_of_the_audio():
    timing = results.timing(1_000_000_000.0, 1_000_000_006.25, 2.5)
    assert timing == {
        "received_at": "2001-09-09T01:46:40.000+00:00",
        "finished_at": "2001-09-09T01:46:46.250+00:00",
        "elapsed_seconds": 6.25,
        "elapsed_per_duration": 2.5,
    }


@pytest.mark.parametrize("duration", [None, 0.0])
def test_audio_without_a_length_has_no_multiple(duration):
    assert results.timing(0.0, 1.0, duration)["elapsed_per_duration"] is None


def test_the_release_is_the_one_of_the_project():
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["version"] == results.RELEASE
