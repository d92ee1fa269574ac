"""Spoken details that are muted: found in a transcript, muted by whole segments, heard again.

A transcript is no proof. After muting, what is left around every muted stretch goes through the
transcriber once more; digits heard there are muted as well, and where they do not end, or nobody
could listen again, the redaction is not complete.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from addon.analysis.number_kinds import NUMBER_KINDS
from addon.analysis.number_words import tokens
from addon.analysis.redaction import Found, Kind
from addon.analysis.runs import FRAME_RATE, Runs, runs
from addon.analysis.spoken_details import CUES, Conversation, details
from addon.analysis.spoken_numbers import Find, Speech, beside, numbers
from addon.analysis.timeline import Interval
from addon.analysis.transcription import Heard, SpooledSamples
from addon.analysis.words import Word
from addon.audio.decoders import Floats

SPOKEN_KINDS: tuple[Kind, ...] = (*NUMBER_KINDS, *CUES, "email_address")

#: Silence around what is muted goes too, as far as the party says nothing else: a short digit at
#: the edge is no segment of speech.
EDGE_SECONDS = 0.5
#: A party's segment this near to its number is a part of it, unless its words are clear.
NEXT_SECONDS = 3.0
#: So much is heard again before and after each muted stretch.
AROUND_SECONDS = 6.0
#: How often more is muted and heard again; the last time it is the rest of the turn.
MAX_ROUNDS = 3
STILL_HEARD = "Digits were still heard beside what is muted, after muting more of it."
NOT_HEARD_AGAIN = "What is muted was not heard again."

Hear = Callable[[Sequence[Runs], Sequence[Interval]], Heard]
"""Hears spans of frames of each channel, in the sound with some intervals muted."""

_RATE_HZ = 8000
_SURE_DIGITS = 2
#: Said by people who say no number.
_LONE = frozenset({"one", "o", "oh", "a"})


@dataclass(frozen=True)
class Spoken:
    """Everything spoken that is to be muted. `reason` says why that may not be all, else None.

    `unsure` says of what else the words are not sure enough to say that no number is in it.
    """

    finds: Sequence[Find] = ()
    heard_again: bool = False
    reason: str | None = None
    unsure: str | None = None

    def found(self, kind: Kind) -> Found:
        """The finds of one kind, in order of time."""
        own = sorted((one for one in self.finds if one.kind == kind), key=lambda one: one.interval)
        if not own:
            return Found([], wanted=True)
        return Found(
            [one.interval for one in own],
            wanted=True,
            confidence=round(sum(one.confidence for one in own) / len(own), 3),
            heard_again=self.heard_again,
            doubt=self.reason,
        )


class MutedSamples(SpooledSamples):
    """The samples that a transcriber reads, with intervals silent as they are in the archive."""

    def __init__(self, sound: SpooledSamples, muted: Sequence[Interval]) -> None:  # no spool
        self._sound = sound
        self._muted = muted

    def read(self, channel: int, first: int, last: int) -> Floats:
        """As SpooledSamples.read."""
        samples = self._sound.read(channel, first, last)
        for start, stop in self._muted:
            begin, end = int(start * _RATE_HZ) - first, int(np.ceil(stop * _RATE_HZ)) - first
            samples[max(begin, 0) : max(end, 0)] = 0
        return samples


def parties_of(words: Sequence[Word], segments: Sequence[Sequence[Interval]]) -> list[Speech]:
    """The speech of each channel."""
    return [
        Speech(channel, [word for word in words if word.channel == channel], own)
        for channel, own in enumerate(segments)
    ]


def find(parties: Sequence[Speech], kinds: Collection[Kind]) -> list[Find]:
    """Everything of these kinds in a transcript, with the silence around it."""
    conversation = Conversation.of(parties)
    found: list[Find] = []
    if any(kind in kinds for kind in NUMBER_KINDS):
        cues = conversation.cues()
        found = [one for speech in parties for one in numbers(speech, cues, kinds)]
        said = list(found)
        for speech in parties:
            own = [one.interval for one in found if one.channel == speech.channel]
            others = beside(speech, said)
            found += [one for one in others if not any(_within(one.interval, at) for at in own)]
    for kind in kinds:
        if kind not in NUMBER_KINDS:
            found += details(conversation, parties, kind)
    return [
        replace(one, interval=_edged(_to_clear_speech(one, parties), one.channel, parties))
        for one in found
    ]


def _to_clear_speech(found: Find, parties: Sequence[Speech]) -> Interval:
    """A number's interval with the party's next segments, as far as their words are not clear."""
    speech = parties[found.channel]
    start, stop = found.interval
    if found.kind not in NUMBER_KINDS:
        return start, stop
    for first, last in speech.segments:
        if stop <= first <= stop + NEXT_SECONDS and not speech.is_clear((first, last)):
            stop = last
    for first, last in reversed(speech.segments):
        if start - NEXT_SECONDS <= last <= start and not speech.is_clear((first, last)):
            start = first
    return start, stop


def prove(
    finds: Sequence[Find],
    parties: Sequence[Speech],
    kinds: Collection[Kind],
    duration: float,
    hear: Hear,
) -> Spoken:
    """The finds, with more muted until nothing is heard around them any more."""
    if not finds:
        return Spoken()
    finds = list(finds)
    todo = [one.interval for one in finds]
    for turn in range(1, MAX_ROUNDS + 1):
        muted = [one.interval for one in finds]
        around = _around(todo, muted, duration)
        heard = hear([around] * len(parties), muted)
        if heard.left_out:
            return Spoken(finds, reason=f"{NOT_HEARD_AGAIN} {heard.left_out}")
        left = _left(heard.words, parties, kinds, around)
        if not left:
            return Spoken(finds, heard_again=True)
        todo = []
        for speech, start, stop in left:
            place = _wider(speech, start, stop, turn)
            nearest = min(range(len(finds)), key=lambda at: _distance(finds[at].interval, place))
            old = finds[nearest].interval
            new = (min(old[0], place[0]), max(old[1], place[1]))
            finds[nearest] = replace(finds[nearest], interval=new)
            todo.append(new)
    return Spoken(finds, reason=STILL_HEARD)


def _left(
    words: Sequence[Word],
    parties: Sequence[Speech],
    kinds: Collection[Kind],
    around: Runs,
) -> list[tuple[Speech, float, float]]:
    """Places at which something to be muted was heard beside what is muted already."""
    heard = [(first / FRAME_RATE, last / FRAME_RATE) for first, last in around]
    again = parties_of(words, [_inside(speech.segments, heard) for speech in parties])
    left = []
    for speech in again:
        for group in _groups(speech):
            left.append((parties[speech.channel], *group))
    left += [(parties[one.channel], *one.interval) for one in find(again, kinds)]
    return left


def _groups(speech: Speech) -> list[Interval]:
    """Digits that stand alone or together: a part of a number is none by itself any more."""
    said = [token for token in tokens(speech.words) if token.is_number]
    found = []
    for token in said:
        word = speech.words[token.word]
        near = sum(
            other.digits + other.doubtful
            for other in said
            if abs(speech.words[other.word].start - word.start) <= AROUND_SECONDS / 2
        )
        lone = near == 1 and (token.text in _LONE or not token.digits)
        if not lone and (token.digits or near >= _SURE_DIGITS):
            found.append((word.start, word.stop))
    return found


def _wider(speech: Speech, start: float, stop: float, turn: int) -> Interval:
    """Interval to mute for digits heard there: their segments, then neighbours, then the turn."""
    first, last = speech.touched(start, stop)
    if turn > 1:
        reach = EDGE_SECONDS if turn < MAX_ROUNDS else AROUND_SECONDS
        first, last = speech.touched(first - reach, last + reach)
    return first, last


def _around(intervals: Sequence[Interval], muted: Sequence[Interval], duration: float) -> Runs:
    """The sound that is left around the intervals, as spans of frames."""
    frames = int(duration * FRAME_RATE)
    wanted = np.zeros(frames, np.bool_)
    for start, stop in intervals:
        wanted[_frame(start - AROUND_SECONDS) : _frame(stop + AROUND_SECONDS)] = True
    for start, stop in muted:
        wanted[_frame(start) : _frame(stop) + 1] = False
    return runs(wanted)


def _frame(seconds: float) -> int:
    return max(int(seconds * FRAME_RATE), 0)


def _edged(interval: Interval, channel: int, parties: Sequence[Speech]) -> Interval:
    """The interval with the silence around it, up to the party's next segment."""
    start, stop = interval
    segments = parties[channel].segments
    before = max((last for _, last in segments if last <= start), default=0.0)
    after = min((first for first, _ in segments if first >= stop), default=stop + EDGE_SECONDS)
    return max(before, start - EDGE_SECONDS, 0.0), min(after, stop + EDGE_SECONDS)


def _inside(segments: Sequence[Interval], heard: Sequence[Interval]) -> list[Interval]:
    """The segments that were heard whole; another has words that are not known."""
    return [one for one in segments if any(_within(one, at) for at in heard)]


def _within(inner: Interval, outer: Interval) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _distance(one: Interval, other: Interval) -> float:
    return max(one[0] - other[1], other[0] - one[1], 0.0)
