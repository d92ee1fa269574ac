"""Kinds of spoken numbers: the name of a run of digits, by the words before it and its check digit.

Every long number is muted whatever its name. A name matters to the result, which counts by kind,
and where only some kinds are to be muted: then a number stays only if it is surely of another one.
English.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from addon.analysis.number_words import spelt_digits
from addon.analysis.redaction import Kind

SPOKEN_NUMBER: Kind = "spoken_number"
"""A number without another name."""

CUES: Mapping[Kind, re.Pattern[str]] = {
    "card_number": re.compile(
        r"\b(?:(?:credit |debit )?cards?|visa|mastercard|amex|american express|pay|payment"
        r"|long (?:number|code))\b"
    ),
    "phone_number": re.compile(
        r"\b(?:(?:phone|telephone|mobile|cell) (?:number|code)"
        r"|(?:call|reach|ring) (?:me|us|you)(?: back)? (?:at|on))\b"
    ),
    "social_security_number": re.compile(r"\b(?:(?:your|my) social|social security)\b"),
    "iban": re.compile(r"\b(?:iban|(?:i|eye) ban)\b"),
    SPOKEN_NUMBER: re.compile(
        r"\b(?:sort code|(?:account|routing|passport|licen[cs]e|bank) (?:number|code)"
        r"|last (?:four|4))\b"
    ),
}
"""Words after which a shorter number goes too, by the kind that they speak of."""

NUMBER_KINDS: tuple[Kind, ...] = (SPOKEN_NUMBER, *(kind for kind in CUES if kind != SPOKEN_NUMBER))

_MOST_DIGITS: Mapping[Kind, int] = {"phone_number": 15, "social_security_number": 10}
"""A longer run is something else, or two numbers said one after the other (E.164, SSA)."""

_WHOLE: Mapping[Kind, Sequence[int]] = {
    "phone_number": (7, 10, 11, 12),
    "social_security_number": (9,),
    "iban": range(13, 33),
}
"""The numbers of digits of one that was heard whole; a card has its check digit instead."""

CARD_LENGTHS = range(13, 20)
CARD_STARTS = frozenset("3456")
"""The lengths of payment card numbers and the first digits of the card schemes."""

MAX_READINGS = 256
"""Ways to read one run of digits that are tried; only a strange run has more."""


@dataclass(frozen=True)
class Cue:
    """A moment at which somebody spoke of a number, in seconds, and the kind of number."""

    at: float
    kind: Kind = SPOKEN_NUMBER


def kind_of(said: Sequence[str], digits: int, spoken_of: Kind | None) -> Kind:
    """The kind of a run, from its tokens, its digits as counted, and the kind last spoken of."""
    if spoken_of != "iban" and is_card(said):
        return "card_number"
    if spoken_of is None or digits > _MOST_DIGITS.get(spoken_of, digits):
        return SPOKEN_NUMBER
    return spoken_of


def is_whole(kind: Kind, said: Sequence[str], digits: int) -> bool:
    """True if a run is a whole number of this kind, and no part of it may be a card's."""
    if kind == "card_number":
        return is_card(said)
    return digits in _WHOLE.get(kind, ()) and not _may_hold_card(said)


def is_card(said: Sequence[str]) -> bool:
    """True if any reading of the tokens is a card number with a right check digit."""
    return any(
        len(digits) in CARD_LENGTHS and digits[0] in CARD_STARTS and checks(digits)
        for digits in _readings(said)
    )


def _may_hold_card(said: Sequence[str]) -> bool:
    readings = list(_readings(said))
    return not readings or any(
        digits[first] in CARD_STARTS and checks(digits[first : first + length])
        for digits in readings
        for length in CARD_LENGTHS
        for first in range(len(digits) - length + 1)
    )


def _readings(said: Sequence[str]) -> Iterator[str]:
    """The digits that the tokens may mean; nothing of a run with more readings than are tried."""
    pieces = spelt_digits(said)
    if math.prod(len(readings) for readings in pieces) <= MAX_READINGS:
        yield from ("".join(digits) for digits in product(*pieces))


def checks(digits: str) -> bool:
    """True if the last digit is the Luhn check digit of the others (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
