"""Keyed tokens: 63 bits of an HMAC that stand for a number, a name or a word.

Equal texts of one install have equal tokens, and of two installs different ones. Without
CATALOGUE_KEY nobody can tell what a token stands for (decision 0112).
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator

MASK = "[redacted]"
"""As transcripts write what is muted (`addon/analysis/words.py`); it never becomes a token."""

ENDINGS = (4, 5, 6, 7)
"""Last digits that a number is found by."""

LEAST_LETTERS = 3
"""Shorter words are in every call: they find nothing, and their tokens' counts tell the most."""

NUMBER_WORDS = frozenset({
    "zero", "nought", "naught", "nil", "one", "two", "three", "four", "five", "six", "seven",
    "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen",
    "seventeen", "eighteen", "nineteen", "twenty", "thirty", "forty", "fourty", "fifty",
    "sixty", "seventy", "eighty", "ninety", "hundred", "thousand", "double", "triple",
    "treble", "quadruple",
})  # fmt: skip
"""Numbers that are said are no more to be found than those that are written as figures."""

NUMBER, ENDING, AGENT, AGENT_PART, QUEUE, OUTCOME, WORD = (
    "number",
    "ending",
    "agent",
    "agent-part",
    "queue",
    "outcome",
    "word",
)
FLAG, CATEGORY = "flag", "category"
_CHECK = "check"

_WORD = re.compile(r"[^\W\d_]+")
_PUNCTUATION = re.compile(r"['’ʼ]")


class Tokens:
    """Makes the tokens of one CATALOGUE_KEY."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @property
    def check(self) -> str:
        """A value that tells whether a catalogue was made with this key."""
        return f"{self.of(_CHECK, '', ''):016x}"

    def of(self, kind: str, install: str, text: str) -> int:
        """The token of a text, which is in its normal form."""
        message = f"{kind}\0{install}\0{text}".encode(errors="replace")  # JSON has lone surrogates
        return int.from_bytes(hmac.digest(self._key, message, "sha256")[:8]) >> 1

    def of_each(self, kind: str, install: str, texts: Iterable[str]) -> Iterator[int]:
        """The tokens of some texts of one kind."""
        return (self.of(kind, install, text) for text in texts)

    def of_number(self, install: str, number: str) -> Iterator[int]:
        """The tokens of a telephone number, whole and by its endings; of another address, whole."""
        yield self.of(NUMBER, install, normal_number(number))
        digits = digits_of(number)
        for length in ENDINGS:
            if digits and len(digits) >= length:
                yield self.of(ENDING, install, digits[-length:])

    def of_agent(self, install: str, name: str) -> Iterator[int]:
        """The tokens of an agent's name, whole and in parts."""
        normal = folded(name)
        yield self.of(AGENT, install, normal)
        yield from self.of_each(AGENT_PART, install, normal.split())


def digits_of(number: str) -> str | None:
    """The digits of a telephone number, without 00 or +; None for what is no number."""
    if re.search(r"[^\d\s+().\-/]", number):
        return None
    digits = "".join(char for char in number if char in "0123456789")
    return digits.removeprefix("00") or None


def normal_number(number: str) -> str:
    """A number as its digits; another address, as client:anna, folded."""
    return digits_of(number) or folded(number)


def folded(text: str) -> str:
    """A name without case, accents and superfluous spaces."""
    plain = unicodedata.normalize("NFKD", text)
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    return " ".join(letters.casefold().split())


def words_of(text: str) -> list[str]:
    """The words of a text in their normal form: letters only, of at least LEAST_LETTERS.

    Nothing with a digit is a word here, and no NUMBER_WORDS: a number that no rule has muted must
    not be found either.
    """
    if MASK in text:
        text = text.replace(MASK, " ")
    plain = text.lower() if text.isascii() else folded(text)
    return [
        word
        for word in _WORD.findall(_PUNCTUATION.sub("", plain))
        if len(word) >= LEAST_LETTERS and word not in NUMBER_WORDS
    ]
