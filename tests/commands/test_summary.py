"""A result in a few lines."""

from typing import Any

import pytest

from addon.commands.summary import summary


def result(channels: int = 2, **changes: Any) -> dict[str, Any]:
    parts = ("agent_talk", "customer_talk", "silence", "crosstalk")
    audio = {"duration_seconds": 30.04, "format": "wav", "codec": "pcm_s16le"}
    document = {
        "audio": {**audio, "channels": channels, "sample_rate_hz": 8000},
        "conversation": {f"{part}_seconds": 7.5 for part in parts}
        | {f"{part}_percent": 25.0 for part in parts},
        "flags": [],
        "timing": {"elapsed_seconds": 0.251},
    }
    return {"status": "successful", "result": {**document, **changes}}


def test_a_call_of_two_parties() -> None:
    assert summary(result()).splitlines() == [
        "  audio               30.0 s, 2 channels, wav (pcm_s16le) at 8000 Hz",
        "  agent talks         7.5 s (25.0 %)",
        "  customer talks      7.5 s (25.0 %)",
        "  silence             7.5 s (25.0 %)",
        "  both at once        7.5 s (25.0 %)",
        "  done in             0.25 s after it was received",
    ]


def test_what_mono_cannot_tell_is_left_out() -> None:
    document = result(channels=1)
    document["result"]["conversation"] |= dict.fromkeys(
        ("agent_talk_seconds", "customer_talk_seconds", "crosstalk_seconds")
    )
    text = summary(document)
    assert "1 channel," in text
    assert "talks" not in text
    assert "silence" in text


def test_flags_are_shown() -> None:
    assert "flags               clipped, one_sided" in summary(
        result(flags=["clipped", "one_sided"])
    )


def test_the_transcript_is_shown_or_the_reason_why_there_is_none() -> None:
    sentence = {"role": "agent", "transcript": "Good morning."}
    shown = summary(result(transcript={"sentences": [sentence]}))
    assert "  agent               “Good morning.”" in shown
    without = summary(result(transcript=None, transcript_reason="There was no time."))
    assert "  transcript          none. There was no time." in without


@pytest.mark.parametrize("code", [64401, 61001])
def test_a_failure_is_its_code_and_sentence(code: int) -> None:
    document = {"status": "failed", "code": code, "message": "No audio.", "result": None}
    assert summary(document) == f"  failed              {code}: No audio."
