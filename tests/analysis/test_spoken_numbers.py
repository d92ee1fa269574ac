"""Numbers as people say them, and as recognisers write them: whole, and by whole segments."""

import random

import pytest

from addon.analysis.number_kinds import NUMBER_KINDS, Cue, checks
from addon.analysis.spoken_numbers import Find, Speech, beside, numbers
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


def said(text: str, at: float = 0.0) -> list[Word]:
    return [
        Word(word, round(at + index * 0.4, 3), round(at + index * 0.4 + 0.3, 3), 0.9)
        for index, word in enumerate(text.split())
    ]


def spelt(digits: str) -> str:
    return " ".join(UNITS[int(digit)] for digit in digits)


def speech(words: list[Word], segments=None) -> Speech:
    return Speech(0, words, segments or [(word.start, word.stop) for word in words])


def found(text: str, cues=(), kinds=NUMBER_KINDS) -> list[Find]:
    return numbers(speech(said(text)), cues, kinds)


CARDS = {
    "digit by digit": spelt(VISA),
    "oh for zero": spelt("5500000000000004").replace("zero", "oh"),
    "figures": VISA,
    "figures in groups": "4111 1111 1111 1111",
    "figures with dashes": "4111-1111-1111-1111.",
    "figures with commas": "4,111 1,111 1,111 1,111",
    "double and triple": "four triple one double one double one double one double one double one "
    "double one",
    "pairs": "thirty seven eighty two eighty two twenty four sixty three ten oh oh five",
    "with fillers": spelt(VISA[:8]) + " and then uh yes " + spelt(VISA[8:]),
    "punctuated": "Four, one, one, one. " + spelt(VISA[4:]),
    "homophones": "for won one one won one one one won one one one one one one one",
}


@pytest.mark.parametrize("spoken", CARDS.values(), ids=CARDS)
def test_a_card_number_is_found_whole_and_named_however_it_is_said(spoken):
    words = said(f"my card is {spoken} thank you")
    [find] = numbers(speech(words), [])
    assert find.interval == (words[3].start, words[-3].stop)
    assert (find.kind, find.confidence) == ("card_number", 0.9)


@pytest.mark.parametrize(
    "spoken",
    [
        spelt("41111111"),
        spelt("4111111111111112"),
        spelt("9111111111111111"),
        "four two four two for do for do",
        "For, do, for, do... For, do, for, do...",
        "I'm 2, Nero, Nero, 8282, 8282, 1 Nero.",
        "free, and number 8, and number 3, 4, 4, I -3, 6, and number 1, near -own",
        "GB29 N W B K 6016 1331 9268 19",
        "plus one four one five five five five one two one two",
    ],
)
def test_eight_digits_or_more_go_whatever_they_check(spoken):
    [find] = found(spoken)
    assert find.kind == "spoken_number"


@pytest.mark.parametrize(
    "spoken",
    [
        "it costs twenty five dollars and ninety nine cents",
        "call me at five five five one two three four",
        "one moment please two of them are on the way since nineteen ninety eight",
        "I want to go to the shop for two of them too",
        "thank you thank you thank you thank you thank you",
        "",
    ],
)
def test_other_numbers_are_left_alone(spoken):
    assert found(spoken) == []


@pytest.mark.parametrize(("digits", "goes"), [("4242", True), ("424", False)])
def test_fewer_digits_go_where_a_number_was_spoken_of(digits, goes):
    assert bool(found(spelt(digits), cues=[Cue(-3.0)])) is goes
    assert not found(spelt(digits), cues=[Cue(-30.0)])


def test_groups_with_a_sentence_between_are_one_number():
    parted = spelt(VISA[:5]) + " let me just look for it " + spelt(VISA[5:10])
    [find] = found(parted)
    assert find.interval == (0.0, said(parted)[-1].stop)


def test_a_group_that_stands_alone_goes_with_the_number_near_it():
    words = said("four two four two") + said(
        "a card of mine that I have here and not there it is", 3
    )
    words += said(spelt(VISA[:8]), 14)
    intervals = [find.interval for find in numbers(speech(words), [])]
    assert intervals == [(14.0, words[-1].stop), (0.0, words[3].stop)]


def test_the_other_party_who_reads_it_back_goes_too():
    agent = Speech(1, said("four two four two is that right", 30.0), [(29.8, 33.0)])
    number = Find("phone_number", 0, (2.0, 12.0), 0.9)
    [back] = beside(agent, [number])
    assert (back.interval, back.kind) == ((29.8, 33.0), "phone_number")
    assert beside(agent, [Find("phone_number", 0, (100.0, 112.0), 0.9)]) == []
    assert beside(agent, []) == []


def test_whole_segments_are_touched_whatever_the_words_times_are():
    segments = [(0.0, 1.0), (3.0, 9.0), (9.5, 10.5)]
    words = [Word("4242", 3.1, 3.4, 0.8), Word("4242", 3.5, 3.6, 0.8), Word("yes", 9.6, 9.9, 0.9)]
    [find] = numbers(speech(words, segments), [])
    assert find.interval == (3.0, 9.0)


def test_speech_without_words_goes_on_with_the_digits_before_it():
    """The recogniser writes four digits and nothing more while somebody speaks for ten seconds."""
    segments = [(2.9, 6.0), (6.5, 8.2), (8.7, 10.4), (10.9, 12.6), (15.0, 16.5)]
    words = said("yes my number is 4242", 2.9) + said("thank you very much", 15.0)
    [find] = numbers(speech(words, segments), [])
    assert find.interval[0] <= 2.9 and find.interval[1] >= 12.6
    assert find.interval[1] < 15.0


def test_speech_without_words_goes_where_a_number_was_spoken_of():
    silent = Speech(0, [], [(4.0, 12.0)])
    assert [find.interval for find in numbers(silent, [Cue(3.0)])] == [(4.0, 12.0)]
    assert numbers(silent, []) == []


def test_words_made_of_noise_explain_little_speech():
    """The recogniser writes a sentence, unsure of every word, where somebody says a number."""
    noise = [Word(word, at, at + 0.5, 0.3) for at, word in enumerate(("have", "or", "really"), 4)]
    unsure = Speech(0, noise, [(4.0, 12.0)])
    assert [find.interval for find in numbers(unsure, [Cue(3.0)])] == [(4.0, 12.0)]


def test_words_far_from_any_segment_have_a_margin():
    [find] = numbers(Speech(0, said(spelt(VISA), 5.0), []), [])
    assert find.interval == (4.0, pytest.approx(5.0 + 15 * 0.4 + 0.3 + 1.0))


PHONE = [Cue(-1.0, "phone_number")]


def test_a_number_is_named_by_what_was_last_spoken_of():
    cues = [Cue(-9.0, "card_number"), Cue(-1.0, "phone_number")]
    assert [find.kind for find in found(spelt("4155550132"), cues)] == ["phone_number"]
    assert [find.kind for find in found(spelt(VISA), cues)] == ["card_number"]
    assert [find.kind for find in found(spelt("4155550141555501"), cues)] == ["spoken_number"]


def test_a_number_that_is_surely_of_another_kind_stays_where_only_some_are_muted():
    phone = spelt("4155550132")
    assert found(phone, PHONE, ("spoken_number", "card_number")) == []
    assert len(found(phone, PHONE)) == 1


@pytest.mark.parametrize(
    ("spoken", "cues"),
    [
        (spelt("415555013"), PHONE),  # a digit may have been lost: it may be a part of anything
        ("for one five five five five oh one three two", PHONE),
        (spelt(VISA), PHONE),
        (spelt("4155550132"), ()),
        (spelt(VISA[:15]), [Cue(-1.0, "iban"), Cue(-0.5, "phone_number")]),
    ],
)
def test_a_number_that_may_be_of_a_kind_that_is_muted_goes(spoken, cues):
    assert len(found(spoken, cues, ("spoken_number", "card_number"))) == 1


def test_words_that_are_not_sure_spare_no_number():
    words = [Word(word.text, word.start, word.stop, 0.6) for word in said(spelt("4155550132"))]
    [find] = numbers(speech(words), PHONE, ("spoken_number", "card_number"))
    assert find.kind == "spoken_number"


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


def test_no_digit_of_two_thousand_cards_is_left():
    rng = random.Random(7)
    for _ in range(2000):
        body = rng.choice("3456") + "".join(rng.choice("0123456789") for _ in range(14))
        card = next(body + last for last in "0123456789" if checks(body + last))
        spoken = spoken_style(card, rng)
        words = said(f"it is {spoken} alright")
        finds = numbers(speech(words), [])
        left = [
            word.text
            for word in words[2:-1]
            if not any(f.interval[0] <= word.start < f.interval[1] for f in finds)
        ]
        assert set(left) <= set(FILLERS), spoken
