"""Loudness of each channel: peak, RMS, offset and clipping of all samples; a level each 10 ms.

The figures of all samples agree with `sox stats` to a tenth of a decibel. The 10 ms levels are of
the band of speech: an offset or mains hum does not count. Samples are float, full scale 1.0.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from addon.analysis.runs import Mask
from addon.audio.decoders import Floats

#: Level of digital silence; below the step of any 16-bit sample.
FLOOR_DBFS = -120.0
#: A sample at or above this is clipped: the loudest code of mu-law (spec/audio 3).
CLIPPED_AT = 32124 / 32768
#: 10 ms at 8 kHz.
FRAME = 80
RATE_HZ = 8000
#: So many frames stay within a core's second-level cache while they are measured.
_AT_ONCE = 800
_SMOOTHED_AT_ONCE = 1 << 16

#: What is taken out of a frame before its level: movements below so many hertz, by so many vectors.
#: An offset falls by 100 dB, 50 and 60 Hz by 58, 100 and 120 Hz by 43, 150 Hz by 26, 300 Hz by 1.
SLOW_BELOW_HERTZ, SLOW_VECTORS = 150, 6


#: An offset, and mains hum of both worlds with its second harmonic, are what lines really carry:
#: they weigh more than the rest of the band, so that the few vectors null them first.
_OFFSET_WEIGHT = 1000.0
_HUM_WEIGHTS = {50.0: 10.0, 60.0: 10.0, 100.0: 1.0, 120.0: 1.0}


@cache
def slow_basis(samples: int, below_hertz: float, vectors: int, rate: int) -> Floats:
    """Orthonormal columns, (samples, vectors), that span movements slower than `below_hertz`.

    A projection takes an offset, mains hum and a car's rumble out of a short frame, which has room
    for a handful of independent slow movements; nothing is carried from frame to frame, so that
    blocks of any size give the same answer (decision 0210). Made once for each process; nobody
    writes to them.
    """
    apart = np.subtract.outer(np.arange(samples), np.arange(samples)).astype(np.float64)
    covariance = np.sinc(2 * below_hertz / rate * apart) + _OFFSET_WEIGHT
    for hertz, weight in _HUM_WEIGHTS.items():
        covariance += weight * np.cos(2 * np.pi * hertz / rate * apart)
    _, ascending = np.linalg.eigh(covariance)
    return np.ascontiguousarray(ascending[:, ::-1][:, :vectors], dtype=np.float32)


def decibels(power: float) -> float:
    """A mean power relative to full scale, in dBFS, never below FLOOR_DBFS."""
    return max(10 * math.log10(power), FLOOR_DBFS) if power > 0 else FLOOR_DBFS


def percentiles(values: NDArray[Any], *percents: float) -> list[float]:
    """These percentiles of one or more values, interpolated as numpy's own are.

    `np.percentile` and `np.median` import numpy.ma at their first call: 26 ms in every short job.
    """
    places = [(len(values) - 1) * percent / 100 for percent in percents]
    pairs = [(int(place), math.ceil(place)) for place in places]
    ordered = np.partition(values, [rank for pair in pairs for rank in pair])
    found = []
    for place, (low, high) in zip(places, pairs, strict=True):
        lower, upper = float(ordered[low]), float(ordered[high])
        found.append(lower + (place - low) * (upper - lower))
    return found


def median(values: NDArray[Any]) -> float:
    """The median of one or more values."""
    return percentiles(values, 50)[0]


def smoothed(levels: Floats, frames: int) -> Floats:
    """10 ms levels in dB averaged as power over so many frames, in pieces that take no memory."""
    smooth = np.empty(len(levels), np.float32)
    before, after = frames // 2, frames - frames // 2 - 1
    for first in range(0, len(levels), _SMOOTHED_AT_ONCE):
        last = min(first + _SMOOTHED_AT_ONCE, len(levels))
        start, stop = max(first - before, 0), min(last + after, len(levels))
        # Zeros around it by hand: np.pad is Python, and this runs a dozen times for a voicemail.
        lacking, lacking_after = before - (first - start) + 1, after - (stop - last)
        power = np.zeros(lacking + stop - start + lacking_after, np.float32)
        within = power[lacking : lacking + stop - start]
        np.exp(levels[start:stop] * np.float32(math.log(10) / 10), within)
        sums = np.cumsum(power, dtype=np.float64)
        mean = (sums[frames:] - sums[:-frames]) / frames
        smooth[first:last] = 10 * np.log10(np.maximum(mean, 1e-12))
    return smooth


class Totals:
    """Sums over every sample of the recording, at its own rate."""

    def __init__(self, channels: int) -> None:
        self.count = 0
        self._peak = np.zeros(channels)
        self._sum = np.zeros(channels)
        self._clipped = np.zeros(channels)
        self._squares = np.zeros(channels)

    def add(self, samples: Floats) -> None:
        """Count `samples`, (channels, any number)."""
        if not samples.shape[1]:
            return
        highest = np.maximum(samples.max(axis=1), -samples.min(axis=1))
        for channel in np.flatnonzero(highest >= CLIPPED_AT):
            self._clipped[channel] += np.count_nonzero(np.abs(samples[channel]) >= CLIPPED_AT)
        self.count += samples.shape[1]
        self._peak = np.maximum(self._peak, highest)
        self._sum += samples.sum(axis=1)
        self._squares += [float(row @ row) for row in samples]

    def peak_dbfs(self, channel: int) -> float:
        """The largest magnitude, in dBFS."""
        return decibels(float(self._peak[channel]) ** 2)

    def rms_dbfs(self, channel: int) -> float:
        """The root mean square of all samples, in dBFS."""
        return decibels(float(self._squares[channel]) / max(self.count, 1))

    def dc_offset(self, channel: int) -> float:
        """The mean of all samples, full scale 1.0."""
        return float(self._sum[channel]) / max(self.count, 1)

    def clipped_percent(self, channel: int) -> float:
        """The share of samples at or above CLIPPED_AT."""
        return 100 * float(self._clipped[channel]) / max(self.count, 1)


class FrameLevels:
    """The level of every 10 ms frame in the band of speech, in dBFS, as two bytes a frame.

    Of two channels it also keeps how alike each frame is on both.
    """

    def __init__(self) -> None:
        self._blocks: list[NDArray[np.float16]] = []
        self._alike: list[NDArray[np.float16]] = []
        self._slow = slow_basis(FRAME, SLOW_BELOW_HERTZ, SLOW_VECTORS, RATE_HZ)

    def add(self, samples: Floats) -> Floats:
        """The levels of `samples`, (channels, frames * FRAME) at 8 kHz; they are kept too."""
        framed = samples.reshape(samples.shape[0], -1, FRAME)
        power = np.empty(framed.shape[:2], np.float32)
        alike = np.zeros(framed.shape[1], np.float32)
        for first in range(0, framed.shape[1], _AT_ONCE):
            here = slice(first, first + _AT_ONCE)
            power[:, here], alike[here] = self._measured(framed[:, here])
        levels: Floats = 10 * np.log10(power + np.float32(10 ** (FLOOR_DBFS / 10)))
        self._blocks.append(levels.astype(np.float16))
        if len(framed) == 2:
            self._alike.append(alike.astype(np.float16))
        return levels

    def _measured(self, framed: Floats) -> tuple[Floats, Floats]:
        """The mean power of each of (channels, frames, FRAME), and how alike two channels are."""
        heard = framed - (framed @ self._slow) @ self._slow.T
        # Divided by what is left of a frame's freedom, so that white noise keeps its level.
        power = np.einsum("cfs,cfs->cf", heard, heard) / (FRAME - SLOW_VECTORS)
        if len(heard) != 2:
            return power, np.zeros(power.shape[1], np.float32)
        products = np.einsum("fs,fs->f", heard[0], heard[1]) / (FRAME - SLOW_VECTORS)
        energy = np.sqrt(power[0] * power[1])
        return power, np.divide(products, energy, out=np.zeros_like(energy), where=energy > 0)

    def all(self, channels: int) -> Floats:
        """Every frame's level so far, (channels, frames)."""
        if not self._blocks:
            return np.zeros((channels, 0), np.float32)
        return np.concatenate(self._blocks, axis=1).astype(np.float32)

    def likeness(self, within: Mask) -> float:
        """The normalised correlation of two channels over the frames in `within`.

        0 where either is digital silence there, or where there are not two channels.
        """
        shared, energy, first = 0.0, np.zeros(2), 0
        for levels, alike in zip(self._blocks, self._alike, strict=False):
            inside = within[first : first + len(alike)]
            here = np.flatnonzero(inside)
            power = np.power(10, levels[:, here].astype(np.float32) / 10)
            shared += float(alike[here].astype(np.float32) @ np.sqrt(power[0] * power[1]))
            energy += power.sum(axis=1)
            first += len(alike)
        whole = math.sqrt(float(energy[0] * energy[1]))
        return shared / whole if whole > 0 else 0.0
