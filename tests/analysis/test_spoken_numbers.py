"""Card numbers as people say them: found, masked whole, and ordinary numbers left alone."""

import random

import pytest

from addon.analysis.spoken_numbers import MASK, card_numbers, checks, masked
from addon.analysis.words import Word

VISA = "4111111111111111"
AMEX = "378282246310005"
UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen",
)  # fmt: skip
FILLERS = ("uh", "and", "then", "okay")
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def said(text: str) -> list[Word]:
    return [
        Word(word, index * 0.4, index * 0.4 + 0.3, 0.9) for index, word in enumerate(text.split())
    ]


def spelt(digits: str) -> str:
    return " ".join(UNITS[int(digit)] for digit in digits)


CARDS = {
    "digit by digit": spelt(VISA),
    "oh for zero": spelt("5500000000000004").replace("zero", "oh"),
    "figures": VISA,
    "figures in groups": "4111 1111 1111 1111",
    "figures with dashes": "4111-1111-1111-1111.",
    "double and triple": "four triple one double one double one double one double one double one "
    "double one",
    "pairs": "thirty seven eighty two eighty two twenty four sixty three ten oh oh five",
    "with fillers": spelt(VISA[:8]) + " and then uh yes " + spelt(VISA[8:]),
    "punctuated": "Four, one, one, one. " + spelt(VISA[4:]),
}


@pytest.mark.parametrize("spoken", CARDS.values(), ids=CARDS)
def test_masks_a_card_number_however_it_is_said(spoken):
    words = said(f"my number is {spoken} thank you")
    kept, intervals = masked(words)
    assert [word.text for word in kept] == ["my", "number", "is", MASK, "thank", "you"]
    last = len(words) - 3
    assert intervals == [(words[3].start, words[last].stop)]


@pytest.mark.parametrize(
    "spoken",
    [
        "it costs twenty five dollars and ninety nine cents",
        "call me at five five five one two three four",
        "one moment please two of them are on the way since nineteen ninety eight",
        spelt("4111111111111112"),
        spelt("9111111111111111"),
        spelt("411111111111"),
        "",
    ],
)
def test_other_numbers_are_left_alone(spoken):
    words = said(spoken)
    assert masked(words) == (words, [])


def test_too_many_other_words_part_a_number():
    parted = spelt(VISA[:8]) + " let me just look for it " + spelt(VISA[8:])
    assert card_numbers(said(parted)) == []


def test_digits_around_the_card_are_masked_with_it():
    words = said("one two " + spelt(VISA) + " three four")
    kept, _ = masked(words)
    assert [word.text for word in kept] == [MASK]


def test_two_cards():
    words = said(spelt(VISA) + " no sorry I meant the other one of course " + spelt(AMEX))
    assert len(card_numbers(words)) in (1, 2)
    assert not any(word.text in UNITS[2:] for word in masked(words)[0])


@pytest.mark.parametrize("digits", [VISA, AMEX, "6011111111111117", "0"])
def test_check_digits(digits):
    assert checks(digits)
    assert not checks(digits[:-1] + str((int(digits[-1]) + 1) % 10))


def spoken_style(digits: str, rng: random.Random) -> str:
    """A card number as somebody might say it: digits, pairs, doubles, triples, fillers."""
    words: list[str] = []
    at = 0
    while at < len(digits):
        run = len(digits[at:]) - len(digits[at:].lstrip(digits[at]))
        pair = digits[at : at + 2]
        if run >= 3 and rng.random() < 0.5:
            words += ["triple", UNITS[int(digits[at])]]
            at += 3
        elif run >= 2 and rng.random() < 0.5:
            words += ["double", UNITS[int(digits[at])]]
            at += 2
        elif len(pair) == 2 and pair[0] != "0" and rng.random() < 0.2:
            words += _pair(pair)
            at += 2
        else:
            words.append("oh" if digits[at] == "0" and rng.random() < 0.3 else UNITS[int(pair[0])])
            at += 1
        if rng.random() < 0.08:
            words.append(rng.choice(FILLERS))
    return " ".join(words)


def _pair(pair: str) -> list[str]:
    if pair[0] == "1":
        return [TEENS[int(pair[1])]]
    return [TENS[int(pair[0])]] + ([UNITS[int(pair[1])]] if pair[1] != "0" else [])


def test_recall_on_two_thousand_cards():
    """No digit of a card survives, in at least 98 of 100 of the ways to say it."""
    rng = random.Random(7)
    found = 0
    for _ in range(2000):
        body = rng.choice("3456") + "".join(rng.choice("0123456789") for _ in range(14))
        card = next(body + last for last in "0123456789" if checks(body + last))
        kept, _ = masked(said("it is " + spoken_style(card, rng) + " alright"))
        left = {word.text for word in kept}
        found += MASK in left and left <= {"it", "is", MASK, "alright", *FILLERS}
    assert found >= 1960, found
