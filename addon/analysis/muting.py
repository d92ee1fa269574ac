"""Which parts of a recording are muted, and the overwriting of their bytes.

Intervals are widened and joined so that no digit can be told from the rhythm of the gaps. Outside
them not one byte changes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from addon.analysis.timeline import Interval
from addon.audio.wav_format import Format

#: Muted before and after each tone, and the gap up to which two mutes become one (spec/audio 4).
PAD_SECONDS = 0.1
JOIN_SECONDS = 1.0
#: A tone found at some time can change nothing that lies further back than this.
REACH_SECONDS = JOIN_SECONDS + 2 * PAD_SECONDS


def widened(intervals: Iterable[Interval]) -> list[Interval]:
    """The intervals padded, in order, and joined where less than JOIN_SECONDS apart."""
    muted: list[Interval] = []
    for start, stop in sorted(intervals):
        start, stop = max(start - PAD_SECONDS, 0.0), stop + PAD_SECONDS
        if muted and start - muted[-1][1] < JOIN_SECONDS:
            start, stop = muted[-1][0], max(stop, muted[-1][1])
            muted.pop()
        muted.append((start, stop))
    return muted


def frames(interval: Interval, rate: int) -> tuple[int, int]:
    """The sample frames that an interval touches, as [first, last)."""
    return math.floor(interval[0] * rate), math.ceil(interval[1] * rate)


@dataclass
class HeardRegion:
    """Samples of one format in the file, `start` to `stop` in bytes, heard `begin` seconds in."""

    format: Format
    start: int
    stop: int
    begin: float

    @property
    def end(self) -> float:
        """The time at which the last of them ends."""
        return self.begin + (self.stop - self.start) / self.format.block_align / self.format.rate

    def offset_at(self, seconds: float, *, after: bool = False) -> int:
        """The file offset of the frame heard then, or of the first frame `after` that time."""
        heard = (seconds - self.begin) * self.format.rate
        frame = math.ceil(heard) if after else math.floor(heard)
        return min(max(self.start + frame * self.format.block_align, self.start), self.stop)


def offset_at(heard: Sequence[HeardRegion], seconds: float) -> int:
    """The file offset of what is heard then; `heard` is in the order of the file."""
    index = bisect_right(heard, seconds, key=lambda one: one.begin)
    return heard[max(index - 1, 0)].offset_at(seconds)


def time_at(heard: Sequence[HeardRegion], offset: int) -> float:
    """The time in seconds at which a file offset is heard; the inverse of `offset_at`."""
    index = bisect_right(heard, offset, key=lambda one: one.start)
    one = heard[max(index - 1, 0)]
    length = max(min(offset, one.stop) - one.start, 0)
    return one.begin + length / one.format.block_align / one.format.rate


def overwrite(
    held: bytearray, offset: int, heard: Sequence[HeardRegion], intervals: Sequence[Interval]
) -> None:
    """Silence the intervals in `held`, whose first byte lies at `offset` of the file.

    They are in order and lie apart. Only bytes of samples are touched, each replaced by the byte
    that is silence in its own format.
    """
    if not intervals:
        return
    end = offset + len(held)
    ends = [until for _, until in intervals]
    for one in islice(heard, bisect_right(heard, offset, key=lambda one: one.stop), None):
        if one.start >= end:
            return
        for begin, until in islice(intervals, bisect_right(ends, one.begin), None):
            if begin >= one.end:
                break
            start = max(one.offset_at(begin), offset)
            stop = min(one.offset_at(until, after=True), end)
            if start < stop:
                held[start - offset : stop - offset] = one.format.silence * (stop - start)
