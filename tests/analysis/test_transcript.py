"""Sentences from words, under the names that Twilio's users know."""

import sys

import pytest

from addon.analysis import Options
from addon.analysis.transcript import Sentence, Transcript, sentiment_by_channel
from addon.analysis.words import Word
from tests.analysis.calls import converse, passed, wav
from tests.analysis.test_transcription import Scripted

ROLES = {0: "customer", 1: "agent"}


def words(channel, start, text, pause=0.1):
    said = []
    for word in text.split():
        said.append(Word(" " + word, start, round(start + 0.3, 3), 0.5, channel))
        start = round(start + 0.3 + pause, 3)
    return said


def transcript(*spoken, redact=True):
    every = sorted((word for said in spoken for word in said), key=lambda word: word.start)
    return Transcript.of("test", every, redact=redact)


def test_sentences_end_with_a_stop_or_a_pause():
    said = transcript(words(0, 0, "Hello. How are you? Fine") + words(0, 9, "and you"))
    assert [s.text for s in said.sentences] == ["Hello.", "How are you?", "Fine", "and you"]


def test_parties_are_not_mixed():
    said = transcript(words(0, 0, "one two three"), words(1, 0.2, "yes yes yes"))
    assert [(s.channel, s.text) for s in said.sentences] == [
        (0, "one two three"),
        (1, "yes yes yes"),
    ]


def test_the_result():
    document = transcript(words(1, 2, "Good morning.")).as_result(ROLES)
    assert document["engine"] == "test"
    [sentence] = document["sentences"]
    assert sentence["sentence_index"] == 0
    assert sentence["media_channel"] == 2
    assert sentence["role"] == "agent"
    assert (sentence["start_seconds"], sentence["end_seconds"]) == (2, 2.7)
    assert sentence["transcript"] == "Good morning."
    assert sentence["confidence"] == 0.5
    assert sentence["words"][1] == {
        "word": "morning.",
        "start_seconds": 2.4,
        "end_seconds": 2.7,
        "confidence": 0.5,
    }


@pytest.mark.parametrize("redact", [True, False])
def test_card_numbers_across_sentences(redact):
    said = transcript(
        words(0, 0, "four one one one. one one one one. one one one one. one one one one."),
        redact=redact,
    )
    assert bool(said.numbers) is redact
    assert ("[redacted]" in " ".join(s.text for s in said.sentences)) is redact


def test_digits_of_two_parties_are_no_number():
    said = transcript(
        words(0, 0, "four one one one one one one one"),
        words(1, 4, "one one one one one one one one"),
    )
    assert said.numbers == []


def test_sentiment_by_party():
    pytest.importorskip("vaderSentiment")
    said = transcript(
        words(0, 0, "This is terrible and I hate it."), words(1, 5, "Wonderful, thank you so much.")
    )
    scores = sentiment_by_channel(said.sentences)
    assert scores[0] < -0.3 < 0.3 < scores[1]
    assert sentiment_by_channel([]) == {}


def sentence(channel, text):
    return Sentence(channel, [Word(word, 0, 0.1, 1, channel) for word in text.split()])


def test_the_mean_of_a_partys_sentences():
    pytest.importorskip("vaderSentiment")
    happy, sad = sentence(0, "I love this, great!"), sentence(0, "I hate this, awful!")
    one, both = sentiment_by_channel([happy])[0], sentiment_by_channel([happy, sad])[0]
    assert one > 0.5 > abs(both)


def test_without_the_extra_there_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "vaderSentiment", None)
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)
    assert sentiment_by_channel([sentence(0, "I love this")]) == {}


@pytest.mark.parametrize("wanted", [True, False])
def test_only_where_it_is_asked_for(wanted):
    pytest.importorskip("vaderSentiment")
    options = Options(sentiment=wanted, transcriber=Scripted("this is wonderful."))
    report, _ = passed(wav(converse(20, 1).samples), options)
    transcript = report.as_result()["transcript"]
    assert ("sentiment" in transcript) is wanted
    if wanted:
        assert {party["role"] for party in transcript["sentiment"]} == {"agent", "customer"}
        assert all(party["compound"] > 0.3 for party in transcript["sentiment"])
