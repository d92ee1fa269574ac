"""Words of a transcript as tokens: which are digits, which only sound like one, which are neither.

A recogniser writes one number as figures, as words, or as other words that sound alike ("for",
"won", "nero"). English; figures are understood in any language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from addon.analysis.words import Word

UNITS = {
    "zero": "0", "oh": "0", "o": "0", "nought": "0", "naught": "0", "nil": "0", "one": "1",
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9",
}  # fmt: skip
TEENS = {
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14",
    "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19",
}  # fmt: skip
TENS = {
    "twenty": "2", "thirty": "3", "forty": "4", "fourty": "4", "fifty": "5", "sixty": "6",
    "seventy": "7", "eighty": "8", "ninety": "9",
}  # fmt: skip
REPEATS = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
HUNDRED = "hundred"
_SCALES = frozenset({HUNDRED, "hundreds", "thousand", "thousands"})
#: Heard in place of a digit, by real models on telephone lines.
SOUNDS_LIKE = {
    "nero": "0", "near": "0", "hero": "0", "null": "0", "won": "1", "own": "1", "want": "1",
    "to": "2", "too": "2", "do": "2", "tu": "2", "free": "3", "tree": "3", "for": "4", "fore": "4",
    "ford": "4", "fife": "5", "fight": "5", "sex": "6", "sick": "6", "sics": "6", "sicks": "6",
    "heaven": "7", "ate": "8", "hate": "8", "aid": "8", "nein": "9", "niner": "9", "mine": "9",
}  # fmt: skip
#: Said three times in a row by people who say no number.
_OFTEN_REPEATED = frozenset({
    "a", "bye", "ha", "haha", "hello", "hey", "hi", "ja", "ma", "mhm", "mm", "no", "nope", "ok",
    "okay", "please", "right", "sorry", "so", "sure", "thank", "thanks", "the", "uh", "um", "very",
    "well", "yeah", "yep", "yes", "you",
})  # fmt: skip
#: The same word so many times in a row, however it is written, may be the same digit.
_ROW = 3

_TOKEN = re.compile(r"\d+|[^\W\d_]+")
_PLURALS = {"ones", "twos", "threes", "fours", "fives", "sixes", "sevens", "eights", "nines"}


@dataclass
class Token:
    """One piece of a word: figures, or letters in lower case.

    `word` is its word's position. `digits` counts those that it surely says, `doubtful` those that
    it may stand for.
    """

    text: str
    word: int
    digits: int = 0
    doubtful: int = 0

    @property
    def is_number(self) -> bool:
        """True if it says a digit, or may."""
        return bool(self.digits or self.doubtful)


def tokens(words: Sequence[Word]) -> list[Token]:
    """The tokens of one party's words, in order."""
    found = [
        Token(_singular(text), position)
        for position, word in enumerate(words)
        for text in _pieces(word.text)
    ]
    for token, after in zip(found, [*found[1:], Token("", 0)], strict=False):
        token.digits = _digits(token.text, after.text)
    _mark_rows(found)
    _mark_sounds(found)
    return found


def _pieces(text: str) -> Iterator[str]:
    """Letters and figures; an address's "@" and "." read as they are said."""
    spelt = re.sub(r"(?<=[a-z])\.(?=[a-z]{2})", " dot ", text.lower().replace("@", " at "))
    yield from _TOKEN.findall(spelt)


def _singular(text: str) -> str:
    if text not in _PLURALS:
        return text
    return "six" if text == "sixes" else text[:-1]


def _digits(text: str, after: str) -> int:
    """Count of digits a token says; "forty" says two, unless a unit after it is the second."""
    if text.isdecimal():
        return len(text)
    if text in UNITS:
        return 1
    if text in TENS:
        return 1 if UNITS.get(after, "0") != "0" else 2
    if text in REPEATS:
        return REPEATS[text] - 1
    return 2 if text in TEENS else int(text in _SCALES)


def _mark_rows(found: Sequence[Token]) -> None:
    """The same word again and again: a digit that the recogniser does not know."""
    for text, row in groupby(found, key=lambda token: token.text):
        same = list(row)
        if len(same) >= _ROW and text.isalpha() and text not in _OFTEN_REPEATED:
            for token in same:
                token.doubtful = 0 if token.digits else 1


def _mark_sounds(found: Sequence[Token]) -> None:
    """Words that sound like a digit count beside a number, or beside each other."""
    alike = [token.text in SOUNDS_LIKE and not token.digits for token in found]
    for index, token in enumerate(found):
        if not alike[index] or token.doubtful:
            continue
        beside = [at for at in (index - 1, index + 1) if 0 <= at < len(found)]
        if any(found[at].is_number or alike[at] for at in beside):
            token.doubtful = 1


def spelt_digits(said: Iterable[str]) -> list[tuple[str, ...]]:
    """Tokens as digits, each with its readings: "sixty four" is 64, or 60 and 4."""
    digits: list[tuple[str, ...]] = []
    tens, times = "", 1
    for text in said:
        unit = UNITS.get(text) or SOUNDS_LIKE.get(text)
        if tens and unit:
            apart = f"{tens}0{unit}"
            digits.append((apart,) if unit == "0" else (tens + unit, apart))
            tens = ""
            continue
        if tens:
            digits.append((tens + "0",))
        tens = TENS.get(text, "")
        if text in REPEATS:
            times = REPEATS[text]
        elif text == HUNDRED:
            digits.append(("00",))
        elif not tens:
            number = unit or TEENS.get(text) or (text if text.isdecimal() else "")
            if number:
                digits.append((number[0] * (times - 1) + number,))
                times = 1
    return [*digits, (tens + "0",)] if tens else digits
