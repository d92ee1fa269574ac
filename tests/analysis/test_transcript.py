"""Sentences from words, under the names that Twilio's users know."""

from addon.analysis.transcript import Transcript
from addon.analysis.words import Word

ROLES = {0: "customer", 1: "agent"}


def words(channel, start, text, pause=0.1):
    said = []
    for word in text.split():
        said.append(Word(" " + word, start, round(start + 0.3, 3), 0.5, channel))
        start = round(start + 0.3 + pause, 3)
    return said


def transcript(*spoken, muted=()):
    every = sorted((word for said in spoken for word in said), key=lambda word: word.start)
    return Transcript.of("test", every, muted=muted)


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


def test_what_is_muted_is_one_masked_word_with_its_times():
    said = transcript(words(0, 0, "It is four two four two thank you"), muted=[(0.75, 2.35)])
    assert [word.text.strip() for word in said.sentences[0].words] == [
        "It", "is", "[redacted]", "thank", "you",
    ]  # fmt: skip
    masked = said.sentences[0].words[2]
    assert (masked.start, masked.stop) == (0.8, 2.3)


def test_a_word_that_touches_what_is_muted_is_masked_for_either_party():
    said = transcript(
        words(0, 0, "four two please"), words(1, 0.2, "okay fine"), muted=[(0.25, 0.5)]
    )
    assert [s.text for s in said.sentences] == ["[redacted] please", "[redacted] fine"]
