"""Runs of another rate or number of channels, converted while they stream by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from addon.audio.decoders import Floats, Run


class Converter:
    """Brings runs to one rate and number of channels; those that have both pass untouched.

    Resampled runs that follow each other are as long together as their time says.
    """

    def __init__(self, rate: int, channels: int) -> None:
        self._rate = rate
        self._channels = channels
        self._from = 0
        self._stream: Any = None
        self._taken = self._given = 0

    def add(self, run: Run) -> Iterator[Floats]:
        """The run in the rate and channels wanted, perhaps later than it came."""
        if self._stream is not None and run.rate != self._from:
            yield from self.end()
        samples = mapped(run.samples, self._channels)
        if run.rate == self._rate:
            yield samples
            return
        if self._stream is None:
            import soxr

            self._from, self._taken, self._given = run.rate, 0, 0
            rates = (run.rate, self._rate)
            self._stream = soxr.ResampleStream(*rates, self._channels, dtype="float32")
        self._taken += samples.shape[1]
        yield from self._resampled(samples, last=False)

    def end(self) -> Iterator[Floats]:
        """The samples still inside, cut or completed to the length that the time gives."""
        if self._stream is None:
            return
        yield from self._resampled(np.zeros((self._channels, 0), np.float32), last=True)
        missing = round(self._taken * self._rate / self._from) - self._given
        if missing > 0:
            yield np.zeros((self._channels, missing), np.float32)
        self._stream = None

    def _resampled(self, samples: Floats, *, last: bool) -> Iterator[Floats]:
        turned = np.ascontiguousarray(samples.T)
        out = self._stream.resample_chunk(turned, last=last).T
        if last:
            most = round(self._taken * self._rate / self._from) - self._given
            out = out[:, : max(most, 0)]
        self._given += out.shape[1]
        if out.shape[1]:
            yield out


def mapped(samples: Floats, channels: int) -> Floats:
    """One channel is heard on all; more than there may be are added up; missing ones are silent.

    They are added at full level, so that a tone in one of them stays as loud as it was.
    """
    have = samples.shape[0]
    if have == channels:
        return samples
    if have == 1:
        return np.repeat(samples, channels, axis=0)
    if have > channels:
        mixed = samples.sum(axis=0, keepdims=True, dtype=np.float32)
        return np.repeat(mixed, channels, axis=0)
    return np.pad(samples, ((0, channels - have), (0, 0)))
