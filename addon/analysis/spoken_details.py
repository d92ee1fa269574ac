"""Details in what was said that are too short for a number: they go by the words before them.

Security codes, expiry dates and dates of birth follow their names, said by either party; e-mail
addresses are known by "at" and "dot". English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from addon.analysis import number_kinds
from addon.analysis.number_kinds import Cue
from addon.analysis.number_words import Token, tokens
from addon.analysis.redaction import Kind
from addon.analysis.spoken_numbers import Find, Speech

#: A detail is said within so many words and seconds after its name, and in one go.
CUE_WORDS, CUE_SECONDS = 25, 20.0
#: Other words inside of it, and between it and a name that follows ("is the security code").
_FILLERS, _BEFORE_WORDS = 2, 4
_BEFORE_DIGITS = 3

_SPELT = r"(?: dot)? ?"
CUES: Mapping[Kind, re.Pattern[str]] = {
    "security_code": re.compile(
        rf"\b(?:c{_SPELT}[vb]{_SPELT}[vbc2]2?|c{_SPELT}s{_SPELT}c|security (?:code|number|digits)"
        r"|verification (?:code|number|value)|pin(?: code| number)?|passcode"
        r"|(?:three|four|3|4) (?:digits?|numbers?)(?: code| number)?"
        r" (?:on|at|from) the (?:back|front)"
        r"|(?<!zip )(?<!area )(?<!post )(?<!postal )(?<!country )(?<!promo )(?<!error )code)\b"
    ),
    "expiry_date": re.compile(
        r"\b(?:expir\w+(?: date)?|exp date|(?:valid|good) (?:until|till|through|thru|to))\b"
    ),
    "date_of_birth": re.compile(
        rf"\b(?:date of birth|birth ?(?:date|day)s?|d{_SPELT}o{_SPELT}b|(?:was|were|am|m) born"
        r"|born (?:on|in))\b"
    ),
}
_EMAIL = re.compile(
    r"(?:\w+ ){0,5}\bat (?:\w+ ){1,5}?(?:dot|point) "
    r"(?:com|net|org|co|edu|gov|uk|de|io|info|me|us|ca|fr)\b(?: (?:dot|point) \w+)?"
)
_DATED = ("expiry_date", "date_of_birth")
_MONTHS = frozenset({
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep",
    "sept", "oct", "nov", "dec",
})  # fmt: skip
_ORDINALS = frozenset({
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth",
    "eighteenth", "nineteenth", "twentieth", "thirtieth",
})  # fmt: skip


@dataclass(frozen=True)
class _Said:
    """One token with its party and its time."""

    token: Token
    speech: Speech
    start: float
    stop: float

    def digits(self, kind: Kind) -> int:
        """Number of digits that it says or may say, in a detail of this kind."""
        if kind in _DATED and (self.token.text in _MONTHS or self.token.text in _ORDINALS):
            return 2
        return self.token.digits + self.token.doubtful


@dataclass(frozen=True)
class Conversation:
    """The tokens that all parties said, in order of time."""

    said: Sequence[_Said]

    @classmethod
    def of(cls, parties: Sequence[Speech]) -> Conversation:
        """The tokens of all parties."""
        every = [
            _Said(token, speech, speech.words[token.word].start, speech.words[token.word].stop)
            for speech in parties
            for token in tokens(speech.words)
        ]
        return cls(sorted(every, key=lambda one: one.start))

    def places(self, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
        """Places at which a pattern stands, as positions [first, last)."""
        text, begins = "", []
        for one in self.said:
            begins.append(len(text))
            text += one.token.text + " "
        for match in pattern.finditer(text):
            inside = [at for at, begin in enumerate(begins) if match.start() <= begin < match.end()]
            if inside:
                yield inside[0], inside[-1] + 1

    def cues(self) -> list[Cue]:
        """The moments at which a number was spoken of."""
        return [
            Cue(self.said[last - 1].stop, kind)
            for kind, pattern in number_kinds.CUES.items()
            for _, last in self.places(pattern)
        ]


def details(conversation: Conversation, parties: Sequence[Speech], kind: Kind) -> list[Find]:
    """Finds of one kind: "email_address", or one that CUES knows."""
    if kind == "email_address":
        return [find for speech in parties for find in _addresses(speech)]
    found = []
    for first, last in conversation.places(CUES[kind]):
        after = _group(conversation.said, last, kind)
        before = _group_before(conversation.said, first, kind)
        found += [_find(kind, group) for group in (after, before) if group]
    return found


def _group(said: Sequence[_Said], last: int, kind: Kind) -> list[_Said]:
    """The first digits after a cue, by one party, with few other words between."""
    latest = said[last - 1].stop + CUE_SECONDS
    group: list[_Said] = []
    fillers = 0
    for one in said[last : last + CUE_WORDS]:
        if one.start > latest or fillers > _FILLERS:
            break
        if not one.digits(kind):
            fillers += bool(group)
        elif not group or one.speech is group[0].speech:
            group.append(one)
            fillers = 0
    return group if sum(one.digits(kind) for one in group) > 1 else []


def _group_before(said: Sequence[_Said], first: int, kind: Kind) -> list[_Said]:
    """Digits of one party right before a cue, as in "one two three is the security code"."""
    group: list[_Said] = []
    fillers = 0
    for one in reversed(said[max(first - CUE_WORDS, 0) : first]):
        if one.digits(kind):
            if not group or one.speech is group[0].speech:
                group.insert(0, one)
        elif group:
            break
        else:
            fillers += 1
        if fillers > _BEFORE_WORDS:
            return []
    return group if sum(one.digits(kind) for one in group) >= _BEFORE_DIGITS else []


def _addresses(speech: Speech) -> list[Find]:
    own = Conversation.of([speech])
    return [_find("email_address", own.said[first:last]) for first, last in own.places(_EMAIL)]


def _find(kind: Kind, group: Sequence[_Said]) -> Find:
    speech = group[0].speech
    heard = {one.token.word for one in group}
    confidence = sum(speech.words[at].confidence for at in heard) / len(heard)
    interval = speech.touched(min(one.start for one in group), max(one.stop for one in group))
    return Find(kind, speech.channel, interval, round(confidence, 3))
