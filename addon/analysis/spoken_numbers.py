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
from addon.analysis.transcription import Word

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
    """Digits said one after the other by one party, and the words that hold them."""

    first: int
    last: int
    digits: list[_Readings] = field(default_factory=list)


def card_numbers(words: Sequence[Word]) -> list[tuple[int, int]]:
    """Spans [first, last) of word positions that hold a card number, for one party's words."""
    return [(run.first, run.last + 1) for run in _runs(words) if _holds_card(run.digits)]


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


def _runs(words: Sequence[Word]) -> Iterable[_Run]:
    """Runs of digit words with no more than MAX_FILLERS other words between two of them."""
    run: _Run | None = None
    reader = _Reader()
    for position, word in enumerate(words):
        numbers = [token for token in _TOKEN.findall(word.text.lower()) if _is_number(token)]
        if not numbers:
            continue
        if run is not None and position - run.last > MAX_FILLERS + 1:
            run.digits += reader.waiting()
            yield run
            run, reader = None, _Reader()
        run = run or _Run(position, position)
        run.last = position
        for token in numbers:
            run.digits += reader.read(token)
    if run is not None:
        run.digits += reader.waiting()
        yield run


def _is_number(token: str) -> bool:
    return token.isdecimal() or token in _WORDS


class _Reader:
    """Number words to digits, with what waits for the next word: `forty` two, `double` four."""

    def __init__(self) -> None:
        self._tens = ""
        self._times = 1

    def waiting(self) -> list[_Readings]:
        """The digits of a tens word that no unit followed."""
        tens, self._tens = self._tens, ""
        return [(tens + "0",)] if tens else []

    def read(self, said: str) -> list[_Readings]:
        """The digits that this number word completes."""
        if said in _UNITS and self._tens:
            return self._after_tens(_UNITS[said])
        before = self.waiting()
        if said in _REPEATS:
            self._times = _REPEATS[said]
            return before
        if said in _TENS:
            self._tens = _TENS[said]
            return before
        if said == _HUNDRED:
            return [*before, ("00",)]
        digits = _UNITS.get(said) or _TEENS.get(said) or said
        times, self._times = self._times, 1
        return [*before, (digits[0] * (times - 1) + digits,)]

    def _after_tens(self, unit: str) -> list[_Readings]:
        tens, self._tens = self._tens, ""
        apart = f"{tens}0{unit}"
        return [(apart,) if unit == "0" else (tens + unit, apart)]


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
