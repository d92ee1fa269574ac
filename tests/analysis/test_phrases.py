"""Phrases are found where they were said, also in words that were misheard, and nowhere else."""

from __future__ import annotations

import pytest

from addon.analysis.phrases import PartySpeech, Phrase, SpokenWord, normalised

NOTICE = "this call is being recorded"


def speech(text: str, pauses: dict[int, float] | None = None) -> PartySpeech:
    """Words of 0.3 s; `pauses` come before the words of these numbers."""
    words, at = [], 0.0
    for number, word in enumerate(text.split()):
        at += (pauses or {}).get(number, 0.05)
        words.append(SpokenWord(word, at, at + 0.3))
        at += 0.3
    return PartySpeech(words)


def texts(said: str, phrase: str, similarity: int = 85) -> list[str]:
    [places] = speech(said).places([(Phrase.of(phrase), similarity)])
    return [place.text for place in places]


def test_what_is_compared_has_no_capitals_punctuation_apostrophes_or_hesitations():
    assert normalised("Um, I'd like — a CALL-back, don’t you?") == [
        *("id", "like", "a", "call", "back", "dont", "you")
    ]


@pytest.mark.parametrize(
    ("said", "phrase"),
    [
        ("Hello. This call is being recorded.", NOTICE),
        ("this call is being accorded for", NOTICE),
        ("this calls being recorded", NOTICE),
        ("this call, um, is being recorded", NOTICE),
        ("can I speak to a super visor now", "speak to a supervisor"),
        ("can I speak to the supervisor", "speak to a supervisor"),
        ("we promise a callback", "call back"),
        ("a call back please", "callback"),
        ("I am not happy", "i'm not happy"),
        ("two refunds please", "refund"),
    ],
)
def test_a_phrase_is_found_in_words_heard_nearly_right(said, phrase):
    assert len(texts(said, phrase)) == 1


@pytest.mark.parametrize(
    ("said", "phrase"),
    [
        ("I want to handle it", "i want to cancel it"),
        ("and my subscription is new", "end my subscription"),
        ("a free upgrade", "fee"),
        ("I do not want to cancel", "want to cancel"),
        ("please do not cancel my order", "cancel my order"),
        ("I am happy", "i am not happy"),
        ("I am very happy with it", "i am very unhappy"),
        ("this is acceptable", "this is unacceptable"),
        ("talk to an adviser", "talk to a supervisor"),
        ("this car is being repaired", NOTICE),
    ],
)
def test_other_words_are_not_the_phrase(said, phrase):
    assert texts(said, phrase) == []


def test_the_likeness_that_is_asked_for_decides():
    assert texts("please send a refound", "send a refund") == ["send a refound"]
    assert texts("please send a refound", "send a refund", similarity=100) == []


def test_every_place_is_found_once_with_its_time_and_words():
    [places] = speech("refund yes a refund, please refund it").places([(Phrase.of("refund"), 85)])
    assert [place.text for place in places] == ["refund", "refund,", "refund"]
    assert [round(place.start, 2) for place in places] == [0.05, 1.1, 1.8]


def test_of_stretches_that_overlap_the_likest_is_the_place():
    assert texts("we this call is being recorded now", NOTICE) == ["this call is being recorded"]


def test_words_that_lie_far_apart_are_no_phrase():
    wanted = [(Phrase.of("speak to a manager"), 85)]
    said = "speak to a manager"
    assert speech(said, {2: 2.5}).places(wanted)[0]
    assert not speech(said, {2: 3.5}).places(wanted)[0]


def test_a_masked_number_is_never_part_of_a_place():
    wanted = [(Phrase.of("my card number is"), 70), (Phrase.of("redacted"), 70)]
    assert speech("my card [redacted] number is").places(wanted) == [[], []]
    said = speech("my card number is [redacted] my card number is").places(wanted)
    assert [place.text for place in said[0]] == ["my card number is"] * 2
    assert said[1] == []


def test_words_are_taken_in_order_of_time_whatever_their_order():
    words = [SpokenWord("manager", 1.2, 1.5), SpokenWord("a", 1.0, 1.1), SpokenWord("get", 0.5, 1)]
    assert PartySpeech(words).places([(Phrase.of("get a manager"), 100)])[0]


def test_nothing_said_and_nothing_wanted():
    assert PartySpeech([]).places([(Phrase.of("refund"), 85)]) == [[]]
    assert speech("refund").places([]) == []


def test_distances_between_places():
    first, second = speech("refund one two three manager").places(
        [(Phrase.of("refund"), 85), (Phrase.of("manager"), 85)]
    )
    assert first[0].words_from(second[0]) == second[0].words_from(first[0]) == 3
    assert first[0].seconds_from(second[0]) == pytest.approx(1.1)
    assert first[0].seconds_from(first[0]) == 0


def test_words_that_a_model_repeats_in_no_time_are_not_said_again():
    heard = [SpokenWord("a", 1.0, 1.3), SpokenWord("refund", 1.3, 2.0)]
    repeated = [SpokenWord(word, 2.0, 2.0) for word in ("a", "refund", "a", "refund")]
    [places] = PartySpeech(heard + repeated).places([(Phrase.of("a refund"), 85)])
    assert [(place.start, place.stop) for place in places] == [(1.0, 2.0)]


def test_words_that_have_a_time_but_no_length_are_said():
    words = [SpokenWord(word, 5.0, 5.0) for word in ("a", "refund")]
    [places] = PartySpeech(words).places([(Phrase.of("a refund"), 85)])
    assert [place.text for place in places] == ["a refund"]
