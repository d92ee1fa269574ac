"""Pieces of sample data that are laid end to end: stored ones, decoded ones, and silence.

Each knows its exact length before anything is read, and opens its recording only when a byte of it
is wanted: a range over a joined call must never cost a part that it does not touch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from addon.playback.decoding import Decoder, Samples
from addon.playback.sound import Sound
from addon.playback.wave import PCM, Format, Wave

SILENCE_BLOCK = 64 * 1024
"""As much as a frame of the archive."""

Open = Callable[[], Sound]


class Shape(NamedTuple):
    """A recording's samples: rate in Hz, channels, and frames in all."""

    rate: int
    channels: int
    frames: int

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return self.frames / self.rate


class Segment(Protocol):
    """Some sample data."""

    @property
    def length(self) -> int:
        """Bytes in all."""
        ...

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """Bytes from `start` up to, not including, `stop`. Raises as Sound.read does."""
        ...


@dataclass(frozen=True)
class Stored:
    """The samples of a WAV file just as they lie in the archive."""

    open: Open
    wave: Wave

    @property
    def length(self) -> int:
        """Bytes."""
        return self.wave.length

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """See Segment.read."""
        return self.open().read(self.wave.start + start, self.wave.start + stop)


@dataclass(frozen=True)
class Decoded:
    """A recording as 16-bit PCM of `target`'s rate and channels, decoded as it is read."""

    open: Open
    shape: Shape
    target: Format

    @property
    def length(self) -> int:
        """Bytes; a changed rate rounds to the nearest frame."""
        return round(self.shape.frames * self.target.rate / self.shape.rate) * self.target.frame

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """See Segment.read."""
        size = self.target.frame
        first, last = start // size, -(-stop // size)
        at = first * size
        for samples in self._samples(first, last):
            block = _widened(samples, self.target.channels).astype("<i2").tobytes()
            yield block[max(start - at, 0) : stop - at]
            at += len(block)

    def _samples(self, first: int, last: int) -> Iterator[Samples]:
        if self.shape.rate == self.target.rate:
            return Decoder(self.open()).samples(first, last)
        frames = self.length // self.target.frame
        return _cut(self._resampled(), first, min(last, frames))

    def _resampled(self) -> Iterator[Samples]:
        """Everything from the beginning on, always in the same blocks: the same samples again."""
        import soxr

        decoder = Decoder(self.open())
        rates = (decoder.rate, self.target.rate)
        resampler: Any = soxr.ResampleStream(*rates, decoder.channels, dtype="int16")
        for block in decoder.samples():
            yield resampler.resample_chunk(block)
        yield resampler.resample_chunk(np.zeros((0, decoder.channels), np.int16), last=True)


@dataclass(frozen=True)
class Silence:
    """Nothing, for a while."""

    length: int
    byte: bytes

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """See Segment.read."""
        for at in range(start, stop, SILENCE_BLOCK):
            yield self.byte * min(SILENCE_BLOCK, stop - at)


def pcm16(rate: int, channels: int) -> Format:
    """What everything can be converted to, and every browser plays."""
    return Format(PCM, channels, rate, 16)


def _cut(blocks: Iterator[Samples], first: int, last: int) -> Iterator[Samples]:
    """Frames `first` to `last` of a stream, ended with silence where it is too short."""
    at, width = 0, 1
    for block in blocks:
        width = block.shape[1]
        if at + len(block) > first:
            yield block[max(first - at, 0) : max(last - at, 0)]
        at += len(block)
        if at >= last:
            return
    yield np.zeros((last - max(at, first), width), np.int16)


def _widened(samples: Samples, channels: int) -> Samples:
    """One channel is heard on all; channels that are missing otherwise are silent."""
    have = samples.shape[1]
    if have == channels:
        return samples
    if have == 1:
        return np.repeat(samples, channels, axis=1)
    return np.pad(samples, ((0, 0), (0, channels - have)))
