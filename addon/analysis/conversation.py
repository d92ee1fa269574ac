"""The conversation's figures, from the final speech masks of its one or two parties.

With A and C the two masks on the 10 ms grid and T the length: talk = A, C; crosstalk = A and C;
silence = neither; A + C - crosstalk + silence = T, to the millisecond. Definitions: spec/audio 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from addon.analysis import runs, turns
from addon.analysis.call_progress import Signal
from addon.analysis.runs import Mask, Runs
from addon.analysis.timeline import Interval, Timeline, total
from addon.analysis.turns import Floor

# All in 10 ms frames.
CROSSTALK_COUNTED = 20
DEAD_AIR = 1000
NOTHING: Runs = np.zeros((0, 2), np.int64)


@dataclass(frozen=True)
class Pauses:
    """Silences at least `threshold` seconds long."""

    threshold: float
    intervals: Sequence[Interval]

    @property
    def total(self) -> float:
        """Their summed length in seconds."""
        return total(self.intervals)


@dataclass(frozen=True)
class Conversation:
    """Figures over all parties, in seconds; those of two parties are None where there is one."""

    timeline: Timeline
    segments: Sequence[Runs]
    talk: Sequence[float]
    silence: float
    crosstalk: float | None
    crosstalk_count: int | None
    crosstalk_intervals: Sequence[Interval]
    floors: Sequence[Floor]
    longest_silence: float
    initial_silence: float | None
    trailing_silence: float | None
    non_talk: Pauses
    dead_air: Pauses
    hold: Sequence[Interval]
    call_progress: Sequence[Signal] = ()

    @property
    def talk_ratio(self) -> list[float | None]:
        """Each party's share of all talk, A / (A + C)."""
        spoken = sum(self.talk)
        return [round(talk / spoken, 4) if spoken else None for talk in self.talk]


def converse(
    speech: Sequence[Mask],
    timeline: Timeline,
    *,
    non_talk_seconds: float,
    hold: Runs = NOTHING,
    signals: Sequence[Signal] = (),
) -> Conversation:
    """All figures, from one speech mask a party, music on hold and call progress tones."""
    silent = ~np.logical_or.reduce(speech)
    silences = runs.runs(silent)
    both = np.logical_and.reduce(speech) if len(speech) == 2 else np.zeros_like(silent)
    overlaps = runs.runs(both)
    segments = [runs.runs(mask) for mask in speech]
    spoken = np.flatnonzero(~silent)
    two = len(speech) == 2
    return Conversation(
        timeline=timeline,
        segments=segments,
        talk=[timeline.seconds(mask) for mask in speech],
        silence=timeline.seconds(silent),
        crosstalk=timeline.seconds(both) if two else None,
        crosstalk_count=len(runs.at_least(overlaps, CROSSTALK_COUNTED)) if two else None,
        crosstalk_intervals=timeline.intervals(overlaps),
        floors=turns.floors(segments, timeline) if two else [],
        longest_silence=max((_length(span) for span in timeline.intervals(silences)), default=0.0),
        initial_silence=timeline.at(spoken[0]) if len(spoken) else None,
        trailing_silence=_after(timeline, spoken),
        non_talk=_pauses(silences, timeline, round(non_talk_seconds * runs.FRAME_RATE)),
        dead_air=_pauses(_between_words(silences, spoken), timeline, DEAD_AIR),
        hold=timeline.intervals(hold),
        call_progress=signals,
    )


def _pauses(silences: Runs, timeline: Timeline, frames: int) -> Pauses:
    return Pauses(runs.seconds(frames), timeline.intervals(runs.at_least(silences, frames)))


def _between_words(silences: Runs, spoken: NDArray[np.intp]) -> Runs:
    """The silences after the first word and before the last."""
    if not len(spoken):
        return silences[:0]
    between: Runs = silences[(silences[:, 0] > spoken[0]) & (silences[:, 1] <= spoken[-1])]
    return between


def _after(timeline: Timeline, spoken: NDArray[np.intp]) -> float | None:
    if not len(spoken):
        return None
    return round(timeline.duration - timeline.at(spoken[-1] + 1), 3)


def _length(interval: Interval) -> float:
    return round(interval[1] - interval[0], 3)
