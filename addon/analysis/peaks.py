"""The waveform that players draw: the lowest and highest sample of each pixel.

The form is audiowaveform's version 2 with 8 bits. However long the recording, it has between
ten and twenty thousand pixels: when they are full, neighbours are merged and each spans twice
as many samples. What is muted in the audio is flat here too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from addon.analysis import muting
from addon.analysis.timeline import Interval
from addon.audio.decoders import Floats

FIRST_SAMPLES_PER_PIXEL = 256
#: Even, so that neighbours can always be merged: a few hundred kB of JSON.
MAX_PIXELS = 20_000


class Peaks:
    """Collects the pixels of one recording at its own sample rate."""

    def __init__(self, rate: int, channels: int) -> None:
        self._rate = rate
        self._per_pixel = FIRST_SAMPLES_PER_PIXEL
        self._pixels = np.zeros((channels, 2, MAX_PIXELS), np.int8)
        self._count = 0
        self._rest = np.zeros((channels, 0), np.float32)

    def add(self, samples: Floats) -> None:
        """Draw (channels, any number) more samples."""
        samples = np.concatenate([self._rest, samples], axis=1)
        at = 0
        while at + self._per_pixel <= samples.shape[1]:
            fits = min((samples.shape[1] - at) // self._per_pixel, MAX_PIXELS - self._count)
            self._draw(samples[:, at : at + fits * self._per_pixel], fits)
            at += fits * self._per_pixel
            if self._count == MAX_PIXELS:
                self._merge_neighbours()
        self._rest = samples[:, at:].copy()

    def finish(self) -> None:
        """Draw the samples that do not fill a pixel."""
        if self._rest.shape[1]:
            if self._count == MAX_PIXELS:
                self._merge_neighbours()
            self._draw(self._rest, 1)
            self._rest = self._rest[:, :0]

    def as_waveform(self, muted: Iterable[Interval] = ()) -> dict[str, Any]:
        """The audiowaveform document, flat inside the muted intervals."""
        pixels = self._pixels[:, :, : self._count].copy()
        for interval in muted:
            first, last = muting.frames(interval, self._rate)
            pixels[:, :, first // self._per_pixel : -(-last // self._per_pixel)] = 0
        return {
            "version": 2,
            "channels": len(pixels),
            "sample_rate": self._rate,
            "samples_per_pixel": self._per_pixel,
            "bits": 8,
            "length": self._count,
            "data": pixels.transpose(2, 0, 1).ravel().tolist(),
        }

    def _draw(self, samples: Floats, pixels: int) -> None:
        framed = samples.reshape(len(samples), pixels, -1)
        for index, extreme in enumerate((framed.min(axis=2), framed.max(axis=2))):
            drawn = np.clip(np.floor(extreme * 128), -128, 127)
            self._pixels[:, index, self._count : self._count + pixels] = drawn
        self._count += pixels

    def _merge_neighbours(self) -> None:
        pairs = self._pixels.reshape(len(self._pixels), 2, -1, 2)
        half = MAX_PIXELS // 2
        lowest, highest = pairs[:, 0].min(axis=2), pairs[:, 1].max(axis=2)
        self._pixels[:, 0, :half], self._pixels[:, 1, :half] = lowest, highest
        self._count, self._per_pixel = half, 2 * self._per_pixel
