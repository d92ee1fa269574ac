"""Tokens: equal where the texts mean the same to one install, and never of what is muted."""

from __future__ import annotations

import pytest

from addon.analysis.words import MASK
from addon.catalogue import search_tokens
from addon.catalogue.search_tokens import Tokens, digits_of, folded, normal_number, words_of

MADE = Tokens(b"k" * 32)


def test_the_mask_is_the_transcripts():
    assert search_tokens.MASK == MASK


@pytest.mark.parametrize(
    "text",
    ["[redacted]", "4111 1111", "4111111111111111", "a1b2", "It is [redacted]", "no", "Four two"],
)
def test_what_is_muted_and_what_says_a_digit_is_no_word(text):
    assert words_of(text) == []


def test_a_word_has_one_form_without_case_accents_and_apostrophes():
    assert words_of("Don't, CAFÉ naïve!") == ["dont", "cafe", "naive"]
    assert words_of("don’t cafe\u0301 Straße") == ["dont", "cafe", "strasse"]


def test_two_installs_have_different_tokens_for_the_same_number():
    assert set(MADE.of_number("XD1", "+14155550123")).isdisjoint(
        MADE.of_number("XD2", "+14155550123")
    )


def test_another_key_makes_other_tokens():
    assert MADE.of("word", "XD1", "refund") != Tokens(b"x" * 32).of("word", "XD1", "refund")
    assert MADE.check != Tokens(b"x" * 32).check


def test_kinds_do_not_meet():
    assert MADE.of("word", "XD1", "anna") != MADE.of("agent", "XD1", "anna")


def test_a_token_fits_a_signed_column():
    assert all(0 <= MADE.of("word", "XD1", str(number)) < 2**63 for number in range(1000))


def test_a_number_has_its_endings_and_an_address_has_none():
    assert len(list(MADE.of_number("XD1", "+14155550123"))) == 5
    assert len(list(MADE.of_number("XD1", "911"))) == 1
    assert len(list(MADE.of_number("XD1", "client:Anna"))) == 1


@pytest.mark.parametrize(
    ("number", "normal"),
    [
        ("+1 (415) 555-0123", "14155550123"),
        ("0014155550123", "14155550123"),
        ("client:Änna", "client:anna"),
        ("sip:Bob@example.com", "sip:bob@example.com"),
    ],
)
def test_the_normal_form_of_a_number(number, normal):
    assert normal_number(number) == normal


def test_what_is_no_number_has_no_digits():
    assert digits_of("call 5") is None
    assert digits_of("++") is None
    assert folded("  Änna\tMÜLLER ") == "anna muller"
