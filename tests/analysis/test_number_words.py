"""Words as digits: figures, number words, and what a recogniser writes in their place."""

import pytest

from addon.analysis.number_words import spelt_digits, tokens
from addon.analysis.words import Word


def counted(text):
    """Digits that are surely said, and those that may be."""
    found = tokens([Word(word, at, at + 0.3, 0.9) for at, word in enumerate(text.split())])
    return sum(token.digits for token in found), sum(token.doubtful for token in found)


@pytest.mark.parametrize(
    ("text", "sure", "doubtful"),
    [
        ("four two four two", 4, 0),
        ("4242-4242", 8, 0),
        ("4,242", 4, 0),
        ("42.42", 4, 0),
        ("forty two eleven", 4, 0),
        ("forty", 2, 0),
        ("double five triple oh", 5, 0),
        ("Fours, sixes", 2, 0),
        ("for two too won ate", 1, 4),
        ("For, do, for, do...", 0, 4),
        ("Nero. Nero. Nero. Nero.", 0, 4),
        ("murmur murmur murmur", 0, 3),
        ("For new, for new, for new", 0, 6),
        ("I can't help you I can't help you I can't help you", 0, 0),
        ("thank you thank you thank you", 0, 0),
        ("Hey, do, hey, do. Hey, do", 0, 6),
        ("it is for you", 0, 0),
        ("I want to go home", 0, 2),
        ("yes yes yes thank thank thank", 0, 0),
        ("hello there", 0, 0),
        ("", 0, 0),
    ],
)
def test_digits_and_what_sounds_like_one_are_counted(text, sure, doubtful):
    assert counted(text) == (sure, doubtful)


def test_a_phrase_that_is_repeated_again_and_again_says_nothing():
    text = "well I can hear I can hear I can hear you"
    found = tokens([Word(word, at, at + 0.3, 0.9) for at, word in enumerate(text.split())])
    assert [token.text for token in found if not token.is_looped] == ["well", "you"]


def test_an_address_is_read_as_it_is_said():
    found = tokens([Word("ann.lee@example.com", 0, 1, 0.9)])
    assert [token.text for token in found] == ["ann", "dot", "lee", "at", "example", "dot", "com"]


def test_every_reading_of_a_pair_is_kept():
    assert spelt_digits(["sixty", "four", "won"]) == [("64", "604"), ("1",)]
    assert spelt_digits(["triple", "five", "and", "ten"]) == [("555",), ("10",)]
