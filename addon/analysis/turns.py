"""Turns at speaking, interruptions and the time that each party took to answer.

These are acoustic rules (spec/audio 3): they see when somebody speaks, never what is said. Spans
are [first, last) in 10 ms frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from addon.analysis.levels import percentiles
from addon.analysis.runs import Runs, seconds
from addon.analysis.timeline import Interval, Timeline

# All in 10 ms frames.
BACKCHANNEL_BELOW = 100
TURN_GAP = 200
#: An interruption: the other had spoken so long, both spoke so long, the newcomer so long in all.
SPEAKING_SINCE = 50
TOGETHER = 30
TAKES_FLOOR = 100

Span = tuple[int, int]


@dataclass(frozen=True)
class Turn:
    """One party's turn at speaking."""

    channel: int
    first: int
    last: int


@dataclass(frozen=True)
class Latency:
    """Time that a party took to answer, in seconds; None without an answer."""

    median: float | None = None
    p90: float | None = None
    count: int = 0


@dataclass(frozen=True)
class Floor:
    """One party's turns and interruptions; times in seconds, the monologue is its longest turn."""

    turns: int = 0
    backchannels: int = 0
    longest_monologue: float = 0.0
    interruptions: Sequence[Interval] = ()
    latency: Latency = field(default_factory=Latency)


def floors(segments: Sequence[Runs], timeline: Timeline) -> list[Floor]:
    """Turns and interruptions of each of two parties, from their speech segments."""
    sorted_out = [
        _without_backchannels(segments[channel], segments[1 - channel]) for channel in (0, 1)
    ]
    turns = take_turns([spoken for spoken, _ in sorted_out])
    return [
        Floor(
            turns=sum(turn.channel == channel for turn in turns),
            backchannels=sorted_out[channel][1],
            longest_monologue=_longest(turns, channel, timeline),
            interruptions=timeline.intervals(
                interruptions(segments[channel], segments[1 - channel])
            ),
            latency=_latency(turns, channel),
        )
        for channel in (0, 1)
    ]


def _longest(turns: Sequence[Turn], channel: int, timeline: Timeline) -> float:
    own = timeline.intervals((turn.first, turn.last) for turn in turns if turn.channel == channel)
    return max((round(stop - start, 3) for start, stop in own), default=0.0)


def _without_backchannels(own: Runs, other: Runs) -> tuple[Runs, int]:
    """Segments that are more than a nod, and how many nods there were.

    A backchannel is a segment shorter than 1 s that lies wholly inside one of the other party's.
    """
    inside = np.array(
        [
            last - first < BACKCHANNEL_BELOW
            and bool(np.any((other[:, 0] <= first) & (last <= other[:, 1])))
            for first, last in own
        ],
        np.bool_,
    )
    return own[~inside], int(inside.sum())


def take_turns(spoken: Sequence[Runs]) -> list[Turn]:
    """Turns in order of their start.

    A turn is a series of one party's segments with gaps of at most 2 s and no segment of the
    other party that begins between them.
    """
    pieces = sorted(
        (int(first), int(last), channel)
        for channel, spans in enumerate(spoken)
        for first, last in spans
    )
    turns: list[Turn] = []
    for first, last, channel in pieces:
        before = turns[-1] if turns else None
        if before and before.channel == channel and first - before.last <= TURN_GAP:
            turns[-1] = Turn(channel, before.first, max(before.last, last))
        else:
            turns.append(Turn(channel, first, last))
    return turns


def interruptions(own: Runs, other: Runs) -> list[Span]:
    """The overlaps in which this party took the floor from the other.

    It starts while the other has been speaking for 0.5 s or more, both speak for at least 0.3 s,
    the other stops first, and this party's segment lasts at least 1 s.
    """
    found = []
    for first, last in own[own[:, 1] - own[:, 0] >= TAKES_FLOOR]:
        taken = other[
            (other[:, 0] <= first - SPEAKING_SINCE)
            & (other[:, 1] >= first + TOGETHER)
            & (other[:, 1] < last)
        ]
        found += [(int(first), int(stop)) for _, stop in taken]
    return found


def _latency(turns: Sequence[Turn], channel: int) -> Latency:
    """Waits from the end of the other's turn to the start of this one, overlaps left out."""
    waits = [
        seconds(turn.first - before.last)
        for before, turn in pairwise(turns)
        if turn.channel == channel != before.channel and turn.first >= before.last
    ]
    if not waits:
        return Latency()
    median, p90 = (round(wait, 3) for wait in percentiles(np.array(waits), 50, 90))
    return Latency(median, p90, len(waits))
