from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from addon.twilio.callback import encode
from addon.twilio.trimming import RESULT_LIMIT_BYTES, size, trim

WORDS = [{"word": "hello", "start_time": 0.1, "end_time": 0.2}] * 100


def document() -> dict[str, Any]:
    return {
        "status": "successful",
        "request_sid": "XR1",
        "result": {
            "audio": {"duration_seconds": 3.682},
            "participants": [
                {"channel": 0, "dtmf": {"count": 2, "intervals": [[0.1, 0.2]] * 2000}}
            ],
            "conversation": {"non_talk": {"total_seconds": 1.0, "intervals": [[0, 1]] * 2000}},
            "segments": [{"channel": 0, "start_seconds": 0.0, "end_seconds": 1.0}] * 500,
            "warnings": ["clipped"],
            "archive": {"stored": True},
            "timing": {"elapsed_seconds": 1.0},
            "waveform": {"data": [1, 2] * 20_000},
            "transcript": {"sentences": [{"transcript": "hello there" * 20, "words": WORDS}] * 10},
        },
    }


def test_what_fits_is_left_alone() -> None:
    assert trim(document()) == document()
    assert RESULT_LIMIT_BYTES < 100_000_000


def test_the_size_is_the_size_of_the_body_that_is_posted() -> None:
    for each in (document(), {"result": {"x": "ü\U0001f600"}}):
        assert size(each) == len(encode(each)[0])


def test_the_heaviest_that_the_archive_has_go_first_each_with_a_warning() -> None:
    order = ["waveform", "words", "segments", "transcript", "intervals", "analysis"]
    limit = size(document()) - 1
    for stage in range(1, len(order) + 1):
        trimmed = trim(document(), limit)
        warnings = trimmed["result"]["warnings"]
        assert warnings[0] == "clipped"
        assert len(warnings) == stage + 1
        assert order[stage - 1] in warnings[-1]
        limit = size(trimmed) - 1


def test_counts_and_totals_outlive_their_intervals() -> None:
    trimmed = trim(document(), 2500)["result"]
    assert trimmed["participants"] == [{"channel": 0, "dtmf": {"count": 2}}]
    assert trimmed["conversation"] == {"non_talk": {"total_seconds": 1.0}}


def test_at_last_only_the_recordings_identity_is_left() -> None:
    trimmed = trim(document(), 10)
    assert set(trimmed["result"]) == {"audio", "archive", "timing", "warnings"}
    assert trimmed["request_sid"] == "XR1"
    assert trimmed["result"]["warnings"][0] == "clipped"


def test_the_original_is_not_changed() -> None:
    original = document()
    before = copy.deepcopy(original)
    trim(original, 10)
    assert original == before


@pytest.mark.parametrize("result", [None, "text"])
def test_a_document_without_a_result_has_nothing_to_drop(result: object) -> None:
    failed = {"status": "failed", "message": "x" * 100, "result": result}
    assert trim(failed, 10) == failed
    assert json.loads(encode(failed)[0]) == failed
