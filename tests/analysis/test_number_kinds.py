"""Names of numbers: by what was spoken of, by how many digits they have, and by a check digit."""

import pytest

from addon.analysis.number_kinds import (
    CUES,
    NUMBER_KINDS,
    checks,
    is_card,
    is_whole,
    kind_of,
)

VISA = "4111111111111111"
AMEX = "378282246310005"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("my credit card number is", "card_number"),
        ("it is a visa", "card_number"),
        ("how would you like to pay", "card_number"),
        ("you can call me back at", "phone_number"),
        ("and a mobile number please", "phone_number"),
        ("the last four of your social", "social_security_number"),
        ("what is your i ban", "iban"),
        ("your account number please", "spoken_number"),
        ("the last four are", "spoken_number"),
    ],
)
def test_words_that_speak_of_a_number_say_its_kind(said, kind):
    spoken_of = [one for one, pattern in CUES.items() if pattern.search(said)]
    assert kind in spoken_of
    assert set(spoken_of) <= {kind, "spoken_number"}


def test_words_that_speak_of_no_number_have_no_kind():
    assert not [kind for kind, pattern in CUES.items() if pattern.search("good morning to you")]


@pytest.mark.parametrize("spoken_of", [None, *(kind for kind in NUMBER_KINDS if kind != "iban")])
def test_a_right_check_digit_names_a_card_whatever_was_spoken_of(spoken_of):
    assert kind_of([VISA], 16, spoken_of) == "card_number"


@pytest.mark.parametrize(
    ("digits", "spoken_of", "kind"),
    [
        ("415550132", "phone_number", "phone_number"),
        ("4155501324155501", "phone_number", "spoken_number"),
        ("078051120", "social_security_number", "social_security_number"),
        ("41111111", "card_number", "card_number"),
        ("07805112099", "social_security_number", "spoken_number"),
        ("41111111", None, "spoken_number"),
    ],
)
def test_a_run_has_the_kind_that_was_spoken_of_unless_it_is_too_long(digits, spoken_of, kind):
    assert kind_of([digits], len(digits), spoken_of) == kind


def test_a_number_is_whole_by_its_digits_and_a_card_by_its_check_digit():
    assert is_whole("social_security_number", ["078051120"], 9)
    assert not is_whole("social_security_number", ["07805112"], 8)
    assert is_whole("card_number", [AMEX], 15)
    assert not is_whole("card_number", ["4111111111111112"], 16)
    assert not is_whole("spoken_number", ["4111111111111112"], 16)


@pytest.mark.parametrize("digits", [VISA, AMEX, "6011111111111117", "0"])
def test_check_digits(digits):
    assert checks(digits)
    assert not checks(digits[:-1] + str((int(digits[-1]) + 1) % 10))


def test_a_longer_number_is_no_card_for_a_part_of_it():
    assert not is_card([VISA + "2"])
    assert kind_of(["82", VISA], 18, "iban") == "iban"
    assert not is_whole("iban", ["82", VISA], 18)  # a card may be in it


def test_a_strange_run_is_not_named():
    assert not is_card(["sixty", "four"] * 20)
