"""Sentences from words, under the names that Twilio's users know."""

import pytest

from addon.analysis.transcript import Transcript
from addon.analysis.words import Word

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
