"""The recording's length and the 10 ms grid over it, in whole milliseconds.

Every duration is a sum of whole milliseconds, so that talk, silence and crosstalk add up to the
length exactly; the last frame counts for what is really left of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from addon.analysis.runs import FRAME_MS, Mask, Runs

Interval = tuple[float, float]


@dataclass(frozen=True)
class Timeline:
    """A recording of `duration_ms` milliseconds."""

    duration_ms: int

    @property
    def frames(self) -> int:
        """Frames of 10 ms, the last one perhaps begun only."""
        return -(-self.duration_ms // FRAME_MS)

    @property
    def duration(self) -> float:
        """The length in seconds."""
        return self.duration_ms / 1000

    def milliseconds(self, mask: Mask) -> int:
        """The time for which the mask is true."""
        missing = self.frames * FRAME_MS - self.duration_ms
        return int(mask.sum()) * FRAME_MS - (missing if len(mask) and mask[-1] else 0)

    def seconds(self, mask: Mask) -> float:
        """The time for which the mask is true, in seconds."""
        return self.milliseconds(mask) / 1000

    def at(self, frame: int) -> float:
        """The beginning of a frame in seconds, never past the end."""
        return min(int(frame) * FRAME_MS, self.duration_ms) / 1000

    def percent(self, seconds: float) -> float:
        """Seconds as a share of the length, two decimals."""
        return round(100 * seconds / self.duration, 2) if self.duration_ms else 0.0

    def span(self, first: int, last: int) -> Interval:
        """A span of frames as an interval in seconds."""
        return self.at(first), self.at(last)

    def intervals(self, spans: Runs | Iterable[tuple[int, int]]) -> list[Interval]:
        """Spans of frames as intervals in seconds."""
        return [self.span(first, last) for first, last in spans]


def total(intervals: Iterable[Interval]) -> float:
    """The summed length of intervals that lie apart, three decimals."""
    return round(sum((end - start for start, end in intervals), 0.0), 3)
