"""Speech on each channel: normalised, heard by the detector, kept at 10 ms.

Quiet lines are raised and loud ones lowered before the detector hears them, since it was trained at
ordinary levels (spec/audio 2). Only the detector hears the changed level; no figure is taken of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from addon.analysis.levels import FRAME
from addon.analysis.runs import Mask
from addon.analysis.silero import WINDOW, Silero
from addon.audio.decoders import Floats

#: The running 95th percentile of the 10 ms levels is brought here.
TARGET_DBFS = -23.0
PERCENTILE = 0.95
MIN_GAIN, MAX_GAIN = 0.25, 30.0
#: A frame becomes speech at ON and stays speech down to OFF.
ON, OFF = 0.5, 0.35


class Loudness:
    """A running histogram of levels that forgets half of its past with every block."""

    def __init__(self, channels: int) -> None:
        self._counts = np.zeros((channels, 121))

    def gains(self, levels: Floats) -> Floats:
        """The gain for the block whose 10 ms `levels` (channels, frames) these are."""
        self._counts /= 2
        bins = np.clip(np.round(-levels), 0, 120).astype(np.intp)
        for counts, row in zip(self._counts, bins, strict=True):
            counts += np.bincount(row, minlength=121)
        loudest_first = np.cumsum(self._counts, axis=1)
        above = loudest_first >= (1 - PERCENTILE) * loudest_first[:, -1:]
        level = -np.argmax(above, axis=1).astype(np.float32)
        gains: Floats = np.clip(10 ** ((TARGET_DBFS - level) / 20), MIN_GAIN, MAX_GAIN)
        return gains


class Voice:
    """The detector over a whole recording; `speech()` is its answer on the 10 ms grid."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._silero = Silero(channels)
        self._loudness = Loudness(channels)
        self._blocks: list[NDArray[np.float16]] = []

    def add(self, samples: Floats, levels: Floats) -> Floats:
        """Hear a block of (channels, n * 1280) samples at 8 kHz with these 10 ms levels.

        Returns the probability of speech in each window of 256 samples, (channels, windows).
        """
        louder = samples * self._loudness.gains(levels)[:, None]
        heard = self._silero.probabilities(louder)
        self._blocks.append(heard.astype(np.float16))
        return heard

    def speech(self, frames: int) -> list[Mask]:
        """One mask a channel, `frames` long: speech before any gate or smoothing."""
        if not self._blocks:
            return [np.zeros(frames, np.bool_) for _ in range(self._channels)]
        windows = np.concatenate(self._blocks, axis=1)
        return [_hysteresis(_on_grid(row.astype(np.float32), frames)) for row in windows]


def _on_grid(windows: Floats, frames: int) -> Floats:
    """Window probabilities at the centre of each 10 ms frame, by linear interpolation."""
    centres = (np.arange(frames) + 0.5) * FRAME
    heard_at = (np.arange(len(windows)) + 0.5) * WINDOW
    on_grid: Floats = np.interp(centres, heard_at, windows).astype(np.float32)
    return on_grid


def _hysteresis(probability: Floats) -> Mask:
    """True from a frame at ON or above until the first below OFF."""
    decided = (probability >= ON) | (probability < OFF)
    last = np.maximum.accumulate(np.where(decided, np.arange(len(probability)), -1))
    speech: Mask = (last >= 0) & (probability[last] >= ON)
    return speech
