"""Which parts of a recording are muted, and the overwriting of their bytes.

Intervals are widened and joined so that no digit can be told from the rhythm of the gaps. Outside
them not one byte changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from addon.analysis.timeline import Interval
from addon.audio.old_wav import Wave

#: Muted before and after each tone, and the gap up to which two mutes become one (audio 4).
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


def overwrite(
    held: bytearray, offset: int, wave: Wave, end: int, intervals: Iterable[Interval]
) -> None:
    """Silence the intervals in `held`, whose first byte lies at `offset` of the file.

    Only bytes between the first sample and the file offset `end` are touched.
    """
    if wave.encoding is None:
        return
    for interval in intervals:
        first, last = frames(interval, wave.rate)
        start = max(wave.data_start + first * wave.block_align, offset)
        stop = min(wave.data_start + last * wave.block_align, end, offset + len(held))
        if start < stop:
            held[start - offset : stop - offset] = wave.encoding.silence * (stop - start)
