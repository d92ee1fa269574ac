"""Sample data that is put end to end: stored, decoded, or silence.

The length is exact before anything is read, and a recording is opened only when a byte of it is
wanted: a range over a joined call must never read a part that it does not touch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from addon.audio.seeking import Index
from addon.audio.wav import Region
from addon.audio.wav_format import PCM, Format
from addon.playback.decoding import SampleReader, Samples
from addon.playback.playable import Playable, Readable

SILENCE_BLOCK = 64 * 1024
"""As much as a frame of the archive."""

RESAMPLED_SECONDS, MARGIN_SECONDS = 20, 1
"""Another rate is made in pieces of whole seconds, at which both rates have a frame, each with a
margin on both sides that is thrown away: so any range is the same as in the whole."""

Open = Callable[[], Playable]


@dataclass(frozen=True)
class StoredSamples:
    """The samples of a WAV file just as they lie in the archive: one of its regions."""

    open: Open
    region: Region

    @property
    def length(self) -> int:
        """In bytes."""
        return self.region.length

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """See Readable.read."""
        return self.open().read(self.region.start + start, self.region.start + stop)


@dataclass(frozen=True)
class DecodedSamples:
    """A recording as 16-bit PCM of `target`'s rate and channels, decoded as it is read."""

    open: Open
    index: Index
    target: Format

    @property
    def length(self) -> int:
        """Bytes; a changed rate rounds to the nearest frame."""
        return round(self.index.frames * self.target.rate / self.index.rate) * self.target.frame

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """See Readable.read."""
        size = self.target.frame
        first, last = start // size, -(-stop // size)
        at = first * size
        for samples in self._samples(first, last):
            block = _widened(samples, self.target.channels).astype("<i2").tobytes()
            yield block[max(start - at, 0) : stop - at]
            at += len(block)

    def _samples(self, first: int, last: int) -> Iterator[Samples]:
        reader = SampleReader(self.open(), self.index)
        if self.index.rate == self.target.rate:
            yield from reader.samples(first, last)
            return
        step = RESAMPLED_SECONDS * self.target.rate
        while first < last:
            piece, offset = divmod(first, step)
            stop = min(last - piece * step, step)
            yield self._resampled(reader, piece)[offset:stop]
            first = piece * step + stop

    def _resampled(self, reader: SampleReader, piece: int) -> Samples:
        """One piece in the target's rate, (frames, channels)."""
        import soxr

        begin = max(piece * RESAMPLED_SECONDS - MARGIN_SECONDS, 0)
        end = (piece + 1) * RESAMPLED_SECONDS + MARGIN_SECONDS
        rates: tuple[Any, Any] = (self.index.rate, self.target.rate)
        blocks = list(reader.samples(begin * rates[0], end * rates[0]))
        made = soxr.resample(np.concatenate(blocks), *rates)
        lead = (piece * RESAMPLED_SECONDS - begin) * self.target.rate
        frames = min(
            RESAMPLED_SECONDS * self.target.rate,
            self.length // self.target.frame - piece * RESAMPLED_SECONDS * self.target.rate,
        )
        made = made[lead : lead + frames]
        return np.pad(made, ((0, frames - len(made)), (0, 0)))


@dataclass(frozen=True)
class Silence:
    """Silence of so many bytes."""

    length: int
    byte: bytes

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """See Readable.read."""
        for at in range(start, stop, SILENCE_BLOCK):
            yield self.byte * min(SILENCE_BLOCK, stop - at)


@dataclass(frozen=True)
class Stretch:
    """A part of other sample data: `length` bytes from `start`."""

    whole: Readable
    start: int
    length: int

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """See Readable.read; nothing outside the part is asked for."""
        return self.whole.read(self.start + start, self.start + stop)


def pcm16(rate: int, channels: int) -> Format:
    """The WAV format that any recording can be converted to, and every browser plays."""
    return Format(PCM, channels, rate, 16)


def _widened(samples: Samples, channels: int) -> Samples:
    """One channel is heard on all; channels that are missing otherwise are silent."""
    have = samples.shape[1]
    if have == channels:
        return samples
    if have == 1:
        return np.repeat(samples, channels, axis=1)
    return np.pad(samples, ((0, 0), (0, channels - have)))
