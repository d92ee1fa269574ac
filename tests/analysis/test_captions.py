"""Transcripts as WebVTT, SubRip and text: times, parties, and nothing that breaks the format."""

import pytest

from addon.analysis.captions import MEDIA_TYPES, captions


def sentence(start, stop, role, text):
    return {"start_seconds": start, "end_seconds": stop, "role": role, "transcript": text}


SAID = {
    "sentences": [
        sentence(1.25, 3.5, "agent", "Is 2 < 3 & 4 --> 5?"),
        sentence(3725.0, 3725.0, "customer", "My number is\n\n[redacted]."),
    ]
}


def test_webvtt():
    assert captions(SAID, "vtt") == (
        "WEBVTT\n\n"
        "00:00:01.250 --> 00:00:03.500\n<v Agent>Is 2 &lt; 3 &amp; 4 --&gt; 5?</v>\n\n"
        "01:02:05.000 --> 01:02:05.500\n<v Customer>My number is [redacted].</v>\n"
    )


def test_subrip():
    assert captions(SAID, "srt") == (
        "1\n00:00:01,250 --> 00:00:03,500\nAgent: Is 2 < 3 & 4 -> 5?\n\n"
        "2\n01:02:05,000 --> 01:02:05,500\nCustomer: My number is [redacted].\n"
    )


def test_text():
    assert captions(SAID, "txt") == (
        "[00:00:01.250] Agent: Is 2 < 3 & 4 --> 5?\n"
        "[01:02:05.000] Customer: My number is [redacted].\n"
    )


@pytest.mark.parametrize("form", MEDIA_TYPES)
def test_nobody_spoke(form):
    assert captions({"sentences": []}, form) == ("WEBVTT\n" if form == "vtt" else "")
