"""Card numbers in what was said: found by their digits and their check digit (spec/audio 4).

The rule masks a whole run of digits as soon as a card number lies anywhere in it. It also masks
some order numbers that happen to check; that is the side on which it errs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from addon.analysis.timeline import Interval
from addon.analysis.words import Word

#: What a masked run reads as.
MASK = "[redacted]"
#: Words between two digits that still belong to one number ("and then", "let me see").
MAX_FILLERS = 4
#: The lengths of payment card numbers and the first digits of the card schemes.
CARD_LENGTHS = range(13, 20)
CARD_STARTS = frozenset("3456")
#: Ways to read one run of digits that are tried; only a strange run has more.
MAX_READINGS = 256

_UNITS = {
    "zero": "0", "oh": "0", "o": "0", "nought": "0", "nil": "0", "one": "1", "two": "2",
    "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip
_TEENS = {
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14",
    "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19",
}  # fmt: skip
_TENS = {
    "twenty": "2", "thirty": "3", "forty": "4", "fourty": "4", "fifty": "5", "sixty": "6",
    "seventy": "7", "eighty": "8", "ninety": "9",
}  # fmt: skip
_REPEATS = {"double": 2, "triple": 3, "treble": 3}
_HUNDRED = "hundred"
_WORDS = frozenset({*_UNITS, *_TEENS, *_TENS, *_REPEATS, _HUNDRED})
_TOKEN = re.compile(r"\d+|[^\W\d_]+")


#: What a few words may mean in digits: "sixty four" is 64 or 60 4.
_Readings = tuple[str, ...]


@dataclass
class _Run:
    """Number words said one after the other by one party, and the positions that hold them."""

    first: int
    last: int
    said: list[str] = field(default_factory=list)


def card_numbers(words: Sequence[Word]) -> list[tuple[int, int]]:
    """Spans [first, last) of word positions that hold a card number, for one party's words."""
    return [(run.first, run.last + 1) for run in _runs(words) if _holds_card(_digits(run.said))]


def masked(words: Sequence[Word]) -> tuple[list[Word], list[Interval]]:
    """One party's words with each card number as one masked word, and when it was said."""
    kept: list[Word] = []
    intervals = []
    at = 0
    for first, last in card_numbers(words):
        kept += words[at:first]
        kept.append(replace(words[first], text=MASK, stop=words[last - 1].stop))
        intervals.append((words[first].start, words[last - 1].stop))
        at = last
    return [*kept, *words[at:]], intervals


def _runs(words: Sequence[Word]) -> list[_Run]:
    """Runs of number words with no more than MAX_FILLERS other words between two of them."""
    runs: list[_Run] = []
    for position, word in enumerate(words):
        said = [token for token in _TOKEN.findall(word.text.lower()) if _is_number(token)]
        if not said:
            continue
        if not runs or position - runs[-1].last > MAX_FILLERS + 1:
            runs.append(_Run(position, position))
        runs[-1].last = position
        runs[-1].said += said
    return runs


def _is_number(token: str) -> bool:
    return token.isdecimal() or token in _WORDS


def _digits(said: Iterable[str]) -> list[_Readings]:
    """Number words as digits; a tens word waits for its unit, and `double` for its digit."""
    digits: list[_Readings] = []
    tens, times = "", 1
    for word in said:
        unit = _UNITS.get(word)
        if tens and unit:
            apart = f"{tens}0{unit}"
            digits.append((apart,) if unit == "0" else (tens + unit, apart))
            tens = ""
            continue
        if tens:
            digits.append((tens + "0",))
        tens = _TENS.get(word, "")
        if word in _REPEATS:
            times = _REPEATS[word]
        elif word == _HUNDRED:
            digits.append(("00",))
        elif not tens:
            number = unit or _TEENS.get(word) or word
            digits.append((number[0] * (times - 1) + number,))
            times = 1
    return [*digits, (tens + "0",)] if tens else digits


def _holds_card(pieces: Sequence[_Readings]) -> bool:
    """True if any reading of the digits holds a card number; too many readings count as one."""
    count = math.prod(len(readings) for readings in pieces)
    if count > MAX_READINGS:
        return sum(len(readings[0]) for readings in pieces) >= CARD_LENGTHS.start
    return any(_has_card("".join(digits)) for digits in product(*pieces))


def _has_card(digits: str) -> bool:
    return any(
        digits[first] in CARD_STARTS and checks(digits[first : first + length])
        for length in CARD_LENGTHS
        for first in range(len(digits) - length + 1)
    )


def checks(digits: str) -> bool:
    """True if the last digit is the Luhn check digit of the others (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
