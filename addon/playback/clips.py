"""Clips: a stretch of a recording or of a joined call, as a WAV file of its own.

A clip is cut on frames of samples, out of the very bytes that playing the whole would verify and
send; nothing outside it is decoded beyond what its first sample needs.
"""

from __future__ import annotations

import hashlib
import math
from typing import NamedTuple, Self

from addon.errors import InvalidParameter, NotPlayable
from addon.playback.joined import WavFile
from addon.playback.sample_data import Stretch

LONGEST_S = 24 * 3600.0
"""Behind any recording's end: a time that no clip can lie at."""


class Clip(NamedTuple):
    """A stretch in milliseconds, from `start` up to, not including, `stop`; never empty."""

    start: int
    stop: int

    @classmethod
    def of(cls, start: float, stop: float) -> Self:
        """The clip between two times in seconds. Raises InvalidParameter."""
        if not all(math.isfinite(one) and 0 <= one <= LONGEST_S for one in (start, stop)):
            raise InvalidParameter("start, stop: seconds of the recording are needed")
        clip = cls(round(start * 1000), round(stop * 1000))
        if clip.start >= clip.stop:
            raise InvalidParameter("stop: a clip ends behind its start")
        return clip

    @property
    def seconds(self) -> tuple[float, float]:
        """Start and stop in seconds."""
        return self.start / 1000, self.stop / 1000

    @property
    def length_seconds(self) -> float:
        """The time that it lasts."""
        return (self.stop - self.start) / 1000

    def __str__(self) -> str:
        """As a file's name has it: `192-210.5`."""
        return "-".join(f"{one:.3f}".rstrip("0").rstrip(".") for one in self.seconds)


def clip_name(subject: str, clip: Clip | None) -> str:
    """The name of a file of a recording or a call, or of a clip of it, without the ending."""
    return subject if clip is None else f"{subject}-{clip}"


def cut(whole: WavFile, clip: Clip) -> WavFile:
    """The stretch of `whole`, at most to its end. Raises NotPlayable where it begins behind it."""
    rate, frame = whole.kind.rate, whole.kind.frame
    first, last = (round(at * rate / 1000) * frame for at in clip)
    pieces, begin = [], 0
    for piece in whole.pieces:
        start, stop = max(first - begin, 0), min(last - begin, piece.length)
        if start < stop:
            pieces.append(Stretch(piece, start, stop - start))
        begin += piece.length
    if not pieces:
        raise NotPlayable("the recording ends before this clip begins")
    told = f"{whole.etag} {clip.start} {clip.stop}"
    return WavFile(whole.kind, pieces, hashlib.sha256(told.encode()).hexdigest()[:32])
