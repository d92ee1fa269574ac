"""Samples of one rate and channel count as those of another, for the analysis alone.

A file joined from recordings of two formats is measured as one, in the format of its first part.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from addon.audio.wav_format import Format

Floats = NDArray[np.float32]


class Converter:
    """Samples of a format at another `rate` in Hz and in so many `channels`, piece after piece.

    The pieces come to exactly the length of the samples in time, rounded to a frame.
    """

    def __init__(self, form: Format, rate: int, channels: int) -> None:
        self._from, self._to = form.rate, rate
        self._channels = channels
        self._taken = self._given = 0
        self._stream: Any = None
        if form.rate != rate:
            import soxr

            self._stream = soxr.ResampleStream(form.rate, rate, channels, dtype="float32")

    def add(self, samples: Floats, *, last: bool) -> Floats:
        """The next samples, (channels, frames); `last` brings what is still inside."""
        self._taken += samples.shape[1]
        mixed = remixed(samples, self._channels)
        if self._stream is None:
            return mixed
        turned = np.ascontiguousarray(mixed.T)
        made: Floats = np.ascontiguousarray(self._stream.resample_chunk(turned, last=last).T)
        left = round(self._taken * self._to / self._from) - self._given
        made = made[:, : max(left, 0)]
        if last and made.shape[1] < left:
            made = np.pad(made, ((0, 0), (0, left - made.shape[1])))
        self._given += made.shape[1]
        return made


def remixed(samples: Floats, channels: int) -> Floats:
    """The samples in so many channels: one is heard on all, more than there are lie on top.

    Channels are added at their full level, so that a tone in one of them stays as loud as it was.
    """
    have = samples.shape[0]
    if have == channels:
        return samples
    if have == 1:
        return np.repeat(samples, channels, axis=0)
    mixed = np.zeros((channels, samples.shape[1]), np.float32)
    for channel in range(have):
        mixed[channel % channels] += samples[channel]
    return np.clip(mixed, -1, 1)
