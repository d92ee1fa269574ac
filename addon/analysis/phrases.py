"""Places at which phrases were said, in words that may have been misheard.

Every stretch of about as many words as the phrase is compared with it by its letters (rapidfuzz's
ratio), so that words torn apart, joined or heard wrongly still count. Each word that
carries meaning must be recognisable on its own; a "not" or "un-" on one side only is a mismatch.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from rapidfuzz import fuzz, process

from addon.analysis.words import MASK

#: A longer pause between two words ends a phrase, in seconds.
LONGEST_PAUSE = 3.0
#: A phrase of no more letters has to be said exactly: any other word is too like it.
EXACT_LETTERS = 5
#: How like a word of three or four letters, and a longer one, must be by itself, in percent.
SHORT_WORD, SHORT_SIMILARITY, WORD_SIMILARITY = 4, 75, 70
#: And how like two words that were heard as one, or one that was heard as two.
JOINED = 90
#: Sounds that are no words, left out on both sides.
_HESITATIONS = frozenset({"um", "uh", "uhm", "er", "erm", "hm", "hmm", "mm", "mhm"})
_NEGATIONS = frozenset({
    "not", "never", "dont", "doesnt", "didnt", "cannot", "cant", "wont", "isnt", "wasnt", "arent",
})  # fmt: skip
#: English words that may be left out or misheard, because they carry little meaning.
_FILLING = frozenset({
    "the", "and", "for", "are", "was", "you", "your", "our", "this", "that", "may", "will", "have",
    "has", "been", "being", "with", "its", "his", "her", "their",
})  # fmt: skip
#: What makes the opposite of a word when it is put before it.
_OPPOSITES = frozenset({"un", "in", "im", "ir", "dis"})
_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = str.maketrans("", "", "'’`")


def normalised(text: str) -> list[str]:
    """The words of a text as they are compared: small letters, no punctuation, no hesitations."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES)
    return [word for word in _WORD.findall(plain) if word not in _HESITATIONS]


@dataclass(frozen=True)
class Phrase:
    """A phrase to look for, as the words that are compared."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Phrase:
        """The phrase of a text as a person writes it."""
        return cls(tuple(normalised(text)))

    @property
    def is_exact(self) -> bool:
        """True where only the very words count."""
        return sum(map(len, self.words)) <= EXACT_LETTERS


class SpokenWord(NamedTuple):
    """A word of the transcript, times in seconds."""

    text: str
    start: float
    stop: float


class Place(NamedTuple):
    """A stretch in which a phrase was said: times in seconds, its tokens [first, last), its words
    as they were heard, and how like the phrase they are, in percent."""

    start: float
    stop: float
    first: int
    last: int
    text: str
    likeness: float

    def is_apart_from(self, other: Place) -> bool:
        """True if they share no word; for places of one party."""
        return self.first >= other.last or self.last <= other.first

    def seconds_from(self, other: Place) -> float:
        """The time between two places; 0 where they overlap."""
        return max(0.0, self.start - other.stop, other.start - self.stop)

    def words_from(self, other: Place) -> int:
        """The words between two places of one party; 0 where they touch or overlap."""
        return max(0, self.first - other.last, other.first - self.last)


class PartySpeech:
    """The words of one party in order of time, made ready to look for phrases in them."""

    def __init__(self, words: Iterable[SpokenWord]) -> None:
        self._words = list(_without_repetitions(sorted(words, key=lambda word: word.start)))
        self._tokens: list[str] = []
        self._owners: list[int] = []
        #: The run of each token: no phrase reaches from one run into the next.
        self._runs: list[int] = []
        run = 0
        for index, word in enumerate(self._words):
            before = self._words[index - 1] if index else word
            masked = MASK in word.text
            if masked or word.start - before.stop > LONGEST_PAUSE:
                run += 1
            for token in () if masked else normalised(word.text):
                self._tokens.append(token)
                self._owners.append(index)
                self._runs.append(run)

    def __len__(self) -> int:
        return len(self._tokens)

    def places(self, wanted: Sequence[tuple[Phrase, int]]) -> list[list[Place]]:
        """For each phrase and the likeness it needs, in percent, where it was said, in order."""
        found: list[list[tuple[float, int, int]]] = [[] for _ in wanted]
        bars = [100 if phrase.is_exact else bar for phrase, bar in wanted]
        longest = max((len(phrase.words) for phrase, _ in wanted), default=0)
        for length in range(1, longest + 2):
            near = [n for n, (phrase, _) in enumerate(wanted) if _fits(phrase, length)]
            for number, first, likeness in self._alike(near, wanted, bars, length):
                if self._holds(wanted[number][0].words, first, first + length):
                    found[number].append((likeness, first, first + length))
        return [self._apart(each) for each in found]

    def _alike(
        self,
        near: Sequence[int],
        wanted: Sequence[tuple[Phrase, int]],
        bars: Sequence[int],
        length: int,
    ) -> Iterator[tuple[int, int, float]]:
        """Phrase, first token and likeness of stretches of this many tokens that are alike."""
        starts: dict[str, list[int]] = {}
        for first in range(len(self._tokens) - length + 1):
            if self._runs[first] == self._runs[first + length - 1]:
                stretch = " ".join(self._tokens[first : first + length])
                starts.setdefault(stretch, []).append(first)
        if not near or not starts:
            return
        likenesses = process.cdist(
            [" ".join(wanted[number][0].words) for number in near],
            list(starts),
            scorer=fuzz.ratio,
            score_cutoff=min(bars[number] for number in near),
            dtype=np.float32,
        )
        places = list(starts.values())
        needed = np.array([bars[number] for number in near], np.float32)
        for row, column in np.argwhere(likenesses >= needed[:, np.newaxis]):
            for first in places[column]:
                yield near[row], first, float(likenesses[row, column])

    def _holds(self, words: Sequence[str], first: int, last: int) -> bool:
        """True if each long word of the phrase is among these tokens, and no "not" is too many."""
        said = self._tokens[first:last]
        together = first > 0 and self._runs[first - 1] == self._runs[first]
        with_word_before = self._tokens[first - together : last]
        if _NEGATIONS.isdisjoint(words) != _NEGATIONS.isdisjoint(with_word_before):
            return False
        return _alike_one_by_one(words, said)

    def _apart(self, found: Sequence[tuple[float, int, int]]) -> list[Place]:
        """The likest of stretches that overlap, as places in order of time."""
        kept: list[tuple[float, int, int]] = []
        taken = bytearray(len(self._tokens))
        for likeness, first, last in sorted(found, key=lambda one: (-one[0], one[1])):
            if not any(taken[first:last]):
                kept.append((likeness, first, last))
                taken[first:last] = b"\1" * (last - first)
        return [self._place(*one) for one in sorted(kept, key=lambda one: one[1])]

    def _place(self, likeness: float, first: int, last: int) -> Place:
        words = self._words[self._owners[first] : self._owners[last - 1] + 1]
        text = " ".join(word.text.strip() for word in words)
        return Place(words[0].start, words[-1].stop, first, last, text, likeness)


def _without_repetitions(words: Iterable[SpokenWord]) -> Iterator[SpokenWord]:
    """All but words without length at the end of another: models repeat what they heard last."""
    spoken_until = -1.0
    for word in words:
        if word.stop > word.start or word.start > spoken_until:
            yield word
        if word.stop > word.start:
            spoken_until = max(spoken_until, word.stop)


def _fits(phrase: Phrase, length: int) -> bool:
    """True if so many words can be the phrase: one torn apart, two joined, one left out."""
    most = 0 if phrase.is_exact else 1
    return abs(len(phrase.words) - length) <= most


def _alike_one_by_one(words: Sequence[str], said: Sequence[str]) -> bool:
    """True if each word that carries meaning was said: whole, torn in two, or joined with the one
    beside it."""
    joined, torn = _pairs(words), _pairs(said)
    for index, word in enumerate(words):
        alone, beside = _needed(word), joined[max(index - 1, 0) : index + 1]
        whole = (one for one in said if not _are_opposites(word, one))
        if (
            alone
            and not any(fuzz.ratio(word, one) >= alone for one in whole)
            and not any(fuzz.ratio(word, pair) >= JOINED for pair in torn)
            and not any(fuzz.ratio(pair, one) >= JOINED for pair in beside for one in said)
        ):
            return False
    return True


def _pairs(words: Sequence[str]) -> list[str]:
    """Each word joined with the next one."""
    return [one + other for one, other in pairwise(words)]


def _are_opposites(word: str, other: str) -> bool:
    """True for "happy" and "unhappy", which are alike by their letters."""
    shorter, longer = sorted((word, other), key=len)
    return longer.removesuffix(shorter) in _OPPOSITES


def _needed(word: str) -> int:
    """The percentage by which a word must be like one of those said; 0 for one without weight."""
    if len(word) < 3 or word in _FILLING:
        return 0
    return SHORT_SIMILARITY if len(word) <= SHORT_WORD else WORD_SIMILARITY
