"""Numbers in what one party said: every run of eight digits or more (spec/audio 4).

The check digit only names a run as a card number. A recogniser leaves digits out, hears other words
in their place and writes nothing at all where somebody speaks; so what sounds like a digit, and
speech in which no words were heard, count too where surer digits are near.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from addon.analysis.number_kinds import NUMBER_KINDS, SPOKEN_NUMBER, Cue, is_whole, kind_of
from addon.analysis.number_words import Token, tokens
from addon.analysis.redaction import Kind
from addon.analysis.timeline import Interval
from addon.analysis.words import Word

#: The shortest run that goes. Telephone numbers go with it; times, prices and dates stay.
LEAST_DIGITS = 8
#: Other words between two digits of one number ("and then", "let me see"), and between two groups.
MAX_FILLERS, MAX_FILLERS_BETWEEN_GROUPS = 4, 10
GROUP_DIGITS = 3
#: A number does not go on after a longer pause.
MAX_PAUSE_SECONDS = 30.0
#: Speech without words belongs to a number this near.
MAX_UNHEARD_SECONDS = 8.0
#: After words that announce a number, so many digits go, said so many seconds later at most.
ANNOUNCED_DIGITS, ANNOUNCED_SECONDS = 4, 20.0
_BEFORE_SECONDS = 5.0
#: Beside a number that was found, groups of so many digits go too: a part of it, or read back.
BESIDE_DIGITS, BESIDE_SECONDS = 2, 30.0
#: Words with less confidence than this, on average, may be any others.
CLEAR_CONFIDENCE = 0.7
#: A word that was surely heard, or a further digit in it, explains so much speech: people say two
#: or three words a second. What was made of noise has little confidence and explains little.
_SECONDS_A_WORD = 0.9
#: Words that a recogniser repeats in a loop have no length.
_NO_SECONDS = 0.03
#: Speech without words is heard as so many digits a second, where there is enough of it.
_UNHEARD_SECONDS, _DIGITS_A_SECOND = 1.5, 1.5
#: A word belongs to a segment this near.
_NEAR_SECONDS = 1.0


@dataclass(frozen=True)
class Find:
    """Something spoken that is to be muted: its kind, the party, and the speech that it touches.

    `confidence` is the transcriber's own, from 0 to 1.
    """

    kind: Kind
    channel: int
    interval: Interval
    confidence: float


@dataclass(frozen=True)
class Speech:
    """One party's words and segments of speech, both in order of time."""

    channel: int
    words: Sequence[Word]
    segments: Sequence[Interval]

    def touched(self, start: float, stop: float) -> Interval:
        """From the begin of the first to the end of the last segment that these seconds touch.

        Where no segment is near, the seconds themselves with a margin.
        """
        near = [s for s in self.segments if s[0] < stop and start < s[1]] or [
            s for s in self.segments if s[0] - _NEAR_SECONDS < stop and start < s[1] + _NEAR_SECONDS
        ]
        if not near:
            return max(start - _NEAR_SECONDS, 0.0), stop + _NEAR_SECONDS
        return min(near[0][0], start), max(near[-1][1], stop)

    def explained(self, segment: Interval) -> float:
        """The seconds of a segment that its words explain, each as far as it was surely heard."""
        start, stop = segment
        looped = {one.word for one in self._tokens if one.is_looped}
        inside = {
            at: word.confidence
            for at, word in enumerate(self.words)
            if word.start < stop
            and start < word.stop
            and word.stop - word.start > _NO_SECONDS
            and at not in looped
        }
        further = (max(one.digits - 1, 0) for one in self._tokens if one.word in inside)
        return (sum(inside.values()) + sum(further)) * _SECONDS_A_WORD

    def is_clear(self, segment: Interval) -> bool:
        """True if sure words explain a segment, and none of them may be a digit."""
        start, stop = segment
        inside = {at for at, one in enumerate(self.words) if one.start < stop and start < one.stop}
        if not inside or any(one.is_number and one.word in inside for one in self._tokens):
            return False
        sure = sum(self.words[at].confidence for at in inside) / len(inside)
        return sure >= CLEAR_CONFIDENCE and self.explained(segment) >= stop - start

    def unheard(self) -> Iterator[tuple[Interval, float]]:
        """Segments in which somebody speaks for longer than the words explain, and how long."""
        for segment in self.segments:
            left = segment[1] - segment[0] - self.explained(segment)
            if left > _UNHEARD_SECONDS:
                yield segment, left

    @cached_property
    def _tokens(self) -> list[Token]:
        return tokens(self.words)


@dataclass
class _Run:
    """Digits said one after the other, from `start` to `stop`, in seconds."""

    start: float
    stop: float
    said: list[Token] = field(default_factory=list)
    unheard: int = 0

    @property
    def sure(self) -> int:
        return sum(token.digits for token in self.said)

    @property
    def digits(self) -> int:
        """Those that were heard, and what may be some."""
        return self.sure + sum(token.doubtful for token in self.said)

    def spoken_of(self, cues: Sequence[Cue]) -> Kind | None:
        """The kind of number that was last spoken of before it; None where none was."""
        near = [one for one in cues if -_BEFORE_SECONDS <= self.start - one.at <= ANNOUNCED_SECONDS]
        return min(near, key=lambda one: abs(self.start - one.at)).kind if near else None

    def goes(self, cues: Sequence[Cue]) -> bool:
        """True if it is a number."""
        named = self.spoken_of(cues) is not None
        if self.digits >= LEAST_DIGITS or (named and self.digits >= ANNOUNCED_DIGITS):
            return True
        return (named or self.sure >= GROUP_DIGITS) and self.digits + self.unheard >= LEAST_DIGITS


def numbers(
    speech: Speech, cues: Sequence[Cue], kinds: Collection[Kind] = NUMBER_KINDS
) -> list[Find]:
    """The numbers that one party said and that are to be muted, where `kinds` of them are.

    One that is surely of another kind stays; one that may be goes, as a "spoken_number".
    """
    runs = _runs(speech)
    every = [run for run in runs if run.goes(cues)]
    going = [(run, kind) for run in every if (kind := _kind(speech, run, cues, kinds))]
    near = [
        (run, kind)
        for run in runs
        if run not in every and run.digits >= BESIDE_DIGITS
        for kind in [_kind_beside(run, going)]
        if kind
    ]
    return [_find(speech, run, kind) for run, kind in (*going, *near)]


def _kind(speech: Speech, run: _Run, cues: Sequence[Cue], kinds: Collection[Kind]) -> Kind | None:
    """The kind under which a run is muted, None where it is not."""
    said = [token.text for token in run.said]
    kind = kind_of(said, run.digits, run.spoken_of(cues))
    if kind in kinds:
        return kind
    doubtful = run.unheard or run.sure < run.digits
    is_sure = not doubtful and _confidence(speech, run) >= CLEAR_CONFIDENCE
    return None if is_sure and is_whole(kind, said, run.sure) else SPOKEN_NUMBER


def _kind_beside(run: _Run, going: Sequence[tuple[_Run, Kind]]) -> Kind | None:
    """The kind of the nearest number, of which a group of digits may be a part."""
    apart, kind = min(((_apart(run, other), kind) for other, kind in going), default=(0.0, None))
    return kind if apart <= BESIDE_SECONDS else None


def beside(speech: Speech, found: Sequence[Find]) -> list[Find]:
    """Groups of digits that this party said near a number: read back, or asked about."""
    going = [(_Run(*one.interval), one.kind) for one in found]
    return [
        _find(speech, run, kind)
        for run in _runs(speech)
        if run.sure >= GROUP_DIGITS and (kind := _kind_beside(run, going))
    ]


def _apart(run: _Run, other: _Run) -> float:
    return max(run.start - other.stop, other.start - run.stop)


def _confidence(speech: Speech, run: _Run) -> float:
    heard = {token.word for token in run.said}
    return sum(speech.words[at].confidence for at in heard) / len(heard) if heard else 0.0


def _find(speech: Speech, run: _Run, kind: Kind) -> Find:
    interval = speech.touched(run.start, run.stop)
    return Find(kind, speech.channel, interval, round(_confidence(speech, run), 3))


def _runs(speech: Speech) -> list[_Run]:
    """Runs of digits with few other words between two of them, unheard speech among them."""
    unheard = list(speech.unheard())
    runs: list[_Run] = []
    fillers, group = 0, 0
    for token in tokens(speech.words):
        word = speech.words[token.word]
        while unheard and unheard[0][0][1] <= word.start:
            _extend(runs, *unheard.pop(0), fillers)
        if not token.is_number:
            fillers += 0 if token.is_looped else 1
            continue
        most = MAX_FILLERS_BETWEEN_GROUPS if group >= GROUP_DIGITS else MAX_FILLERS
        pause = MAX_PAUSE_SECONDS if runs and runs[-1].said else MAX_UNHEARD_SECONDS
        if not runs or fillers > most or word.start - runs[-1].stop > pause:
            runs.append(_Run(word.start, word.stop))
        group = token.digits + token.doubtful + (0 if fillers else group)
        runs[-1].said.append(token)
        runs[-1].stop = max(runs[-1].stop, word.stop)
        fillers = 0
    for segment, seconds in unheard:
        _extend(runs, segment, seconds, fillers)
    return runs


def _extend(runs: list[_Run], segment: Interval, seconds: float, fillers: int) -> None:
    """Speech without words goes on with the number before it, or may be one itself."""
    goes_on = runs and segment[0] - runs[-1].stop <= MAX_UNHEARD_SECONDS
    if not goes_on or fillers > MAX_FILLERS:
        runs.append(_Run(*segment))
    runs[-1].unheard += int(seconds * _DIGITS_A_SECOND)
    runs[-1].stop = max(runs[-1].stop, segment[1])
