"""Sentiment by party, quarter, edge and turn; English only, and never of masked words."""

from __future__ import annotations

import sys

import pytest

from addon.analysis import Options, sentiment
from addon.analysis.sentiment import sentiment_of
from tests.analysis.calls import converse, passed, wav
from tests.analysis.spoken import result
from tests.analysis.test_transcription import Scripted

GOOD, BAD, PLAIN = "Wonderful, thank you so much.", "This is terrible, I hate it.", "It is blue."


def parties(document):
    found = sentiment_of(document)
    assert found is not None
    return {party["role"]: party for party in found.as_result()["sentiment"]}


def test_each_party_has_the_mean_of_its_sentences():
    found = parties(result(("customer", 1, BAD), ("agent", 9, GOOD), ("customer", 20, PLAIN)))
    assert found["agent"]["compound"] > 0.5
    assert found["customer"]["compound"] < -0.3
    alone = parties(result(("customer", 1, BAD)))
    assert alone["customer"]["compound"] == pytest.approx(
        2 * found["customer"]["compound"], abs=0.002
    )
    assert set(alone) == {"customer"}
    assert found["agent"]["media_channel"] == 2


def test_a_quarter_in_which_a_party_said_nothing_is_unknown_and_a_plain_one_is_zero():
    found = parties(result(("customer", 1, BAD), ("customer", 61, PLAIN), ("customer", 119, GOOD)))[
        "customer"
    ]
    first, second, third, last = found["quarters"]
    assert first < -0.3 and second is None and third == 0 and last > 0.5


def test_a_sentence_over_a_border_counts_where_its_middle_is():
    found = parties(result(("customer", 29.8, GOOD)))["customer"]
    assert found["quarters"][0] is None and found["quarters"][1] > 0.5


def test_start_and_end_are_three_turns_so_that_one_noisy_turn_does_not_decide():
    said = [("customer", 10.0 * n, text) for n, text in enumerate((BAD,) * 4 + (GOOD,) * 4)]
    found = parties(result(*said))["customer"]
    assert found["start_compound"] < -0.3 < 0.5 < found["end_compound"]
    few = parties(result(("customer", 1, BAD), ("customer", 20, GOOD)))["customer"]
    assert few["start_compound"] == few["end_compound"] == few["compound"]


def test_a_turn_lasts_until_the_other_begins_or_a_pause():
    said = [("customer", 0, BAD), ("customer", 3, BAD), ("agent", 6, PLAIN), ("customer", 9, GOOD)]
    found = parties(result(*said, ("customer", 20, GOOD)))
    turns = found["customer"]["turns"]
    assert [turn["start_seconds"] for turn in turns] == [0, 9, 20]
    assert [turn["compound"] > 0 for turn in turns] == [False, True, True]
    assert turns[0]["end_seconds"] == 5.05
    assert len(found["agent"]["turns"]) == 1


def test_a_sentence_inside_the_others_ends_its_turn_and_overlaps_cost_nothing():
    said = [("customer", 0, BAD), ("agent", 1, GOOD), ("customer", 2.2, BAD)]
    turns = parties(result(*said))["customer"]["turns"]
    assert [turn["start_seconds"] for turn in turns] == [0, 2.2]


@pytest.mark.parametrize("language", ["es", "de"])
def test_another_language_has_none_and_the_reason(language):
    document = result(("customer", 1, GOOD))
    document["transcript"]["language"] = language
    found = sentiment_of(document)
    assert found is not None
    assert found.as_result() == {
        "sentiment": None,
        "sentiment_reason": f"Sentiment is for English only, and this is {language!r}.",
    }
    document["transcript"]["language"] = "en"
    assert parties(document)["customer"]["compound"] > 0.5


def test_without_a_transcript_there_is_nothing_to_say_and_without_words_nobody():
    assert sentiment_of(result(("agent", 1, GOOD), transcript=None)) is None
    assert parties(result()) == {}


def test_without_the_extra_there_is_none_and_the_reason(monkeypatch):
    monkeypatch.setitem(sys.modules, "vader", None)
    sentiment._scorer.cache_clear()
    try:
        found = sentiment_of(result(("agent", 1, GOOD)))
    finally:
        sentiment._scorer.cache_clear()
    assert found is not None
    assert found.as_result() == {
        "sentiment": None,
        "sentiment_reason": "The packages of requirements/whisper.txt are missing.",
    }


def test_masked_words_do_not_count(monkeypatch):
    heard: list[str] = []
    monkeypatch.setattr(sentiment, "_scorer", lambda: lambda text: heard.append(text) or 0.0)
    parties(result(("customer", 1, "my [redacted] thanks"), ("customer", 9, "[redacted]")))
    assert heard == ["my thanks"]


@pytest.mark.parametrize("wanted", [True, False])
def test_only_where_it_is_asked_for(wanted):
    options = Options(sentiment=wanted, transcriber=Scripted("this is wonderful."))
    report, _ = passed(wav(converse(20, 1).samples), options)
    transcript = report.as_result()["transcript"]
    assert ("sentiment" in transcript) is wanted
    if wanted:
        assert {party["role"] for party in transcript["sentiment"]} == {"agent", "customer"}
        assert all(party["compound"] > 0.3 for party in transcript["sentiment"])
