"""The result of a second analysis: what is kept of the first, and what is added."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from addon.analysis import Options, RecordingPass, Word
from addon.analysis.redaction import Coverage, Redaction
from addon.analysis.report import Report
from addon.analysis.rules import NO_RULES
from addon.analysis.second_analysis import combined
from addon.analysis.transcript import Sentence, Transcript
from tests.analysis import calls


@pytest.fixture(scope="module")
def report() -> Report:
    import io

    a_pass = RecordingPass(Options(waveform=True), spool=io.BytesIO)
    a_pass.feed(calls.wav(calls.converse(12, 12).samples))
    list(a_pass.finish())
    return a_pass.report


def said(report: Report, *words: tuple[str, float]) -> Report:
    heard = [Word(text, start, start + 0.5, 0.9) for text, start in words]
    return replace(report, transcript=Transcript("model", [Sentence(0, [word]) for word in heard]))


def muted(report: Report, *intervals: tuple[float, float]) -> Report:
    found = {"spoken_number": Coverage(len(intervals), len(intervals))}
    redaction = Redaction("complete", None, list(intervals), ["spoken_number"], found)
    return replace(report, redaction=redaction)


def first_of(report: Report) -> dict[str, Any]:
    """As the archive has it."""
    own = {"archive": {"recording_id": "RE1"}, "timing": {"elapsed_seconds": 1.0}}
    return report.as_result() | own


def test_only_the_transcript_changes_where_only_that_is_wanted(report: Report) -> None:
    first = first_of(report) | {"segments": [], "flags": ["clipped", "rule:old"]}
    second = combined(first, said(report, ("hello", 1.0)), NO_RULES, only_transcript=True)
    assert second["transcript"]["sentences"][0]["transcript"] == "hello"
    assert second["segments"] == []
    assert second["flags"] == ["clipped"]
    assert second["timing"] == first["timing"]
    assert second["audio"] == first["audio"]


def test_figures_are_made_anew_where_nothing_was_muted(report: Report) -> None:
    first = first_of(report) | {"segments": [], "participants": []}
    second = combined(first, report, NO_RULES, only_transcript=False)
    assert second["segments"] == report.as_result()["segments"]
    assert second["participants"] == report.as_result()["participants"]


def test_figures_of_the_first_stay_where_something_is_muted(report: Report) -> None:
    first = first_of(muted(report, (2.0, 4.0))) | {"segments": []}
    assert combined(first, report, NO_RULES, only_transcript=False)["segments"] == []


def test_mutes_of_both_are_in_the_result(report: Report) -> None:
    first = first_of(muted(report, (2.0, 4.0)))
    second = combined(first, muted(report, (3.5, 5.0), (7.0, 8.0)), NO_RULES, only_transcript=True)
    assert second["redaction"]["intervals"] == [[2.0, 5.0], [7.0, 8.0]]
    counted = second["redaction"]["coverage"]["spoken_number"]
    assert (counted["found"], counted["muted"]) == (3, 3)


def test_what_was_counted_before_is_never_an_unknown_afterwards(report: Report) -> None:
    first = first_of(muted(report, (2.0, 4.0)))
    coverage = {"spoken_number": Coverage(None, None, "No transcriber is configured.")}
    unheard = replace(report, redaction=Redaction("complete", coverage=coverage))
    counted = combined(first, unheard, NO_RULES, only_transcript=True)["redaction"]["coverage"]
    assert counted["spoken_number"] == {"found": 1, "muted": 1}


def test_the_status_is_the_seconds_and_so_is_its_warning(report: Report) -> None:
    before = replace(report, redaction=Redaction("incomplete", "Nobody listened."))
    first = first_of(before) | {"warnings": ["It is strange.", before.redaction.warning]}
    second = combined(first, muted(report), NO_RULES, only_transcript=True)
    assert second["redaction"]["status"] == "complete"
    assert "reason" not in second["redaction"]
    assert second["warnings"] == ["It is strange."]


def test_masked_words_of_the_first_transcript_stay_in_their_places(report: Report) -> None:
    first = first_of(said(report, ("[redacted]", 3.0)))
    second = combined(
        first, said(report, ("before", 1.0), ("after", 5.0)), NO_RULES, only_transcript=True
    )
    sentences = second["transcript"]["sentences"]
    assert [one["transcript"] for one in sentences] == ["before", "[redacted]", "after"]
    assert [one["sentence_index"] for one in sentences] == [0, 1, 2]


def test_how_sure_a_find_was_stays_and_a_silent_second_pass_has_heard_it_again(
    report: Report,
) -> None:
    first = first_of(muted(report, (2.0, 4.0)))
    counts = {"found": 1, "muted": 1, "card_numbers": 1, "confidence": 0.7, "heard_again": False}
    first["redaction"]["coverage"]["spoken_number"] = counts
    nothing = replace(
        report, redaction=Redaction("complete", coverage={"spoken_number": Coverage(0, 0)})
    )
    second = combined(first, nothing, NO_RULES, only_transcript=True)
    assert second["redaction"]["coverage"]["spoken_number"] == counts | {"heard_again": True}
