"""The strongest frequencies of each tenth of a second without speech, and how long they stay.

Music and the tones of a telephone network hold their frequencies; noise does not. Only sound that
is loud enough and is not speech is analysed, so that an ordinary call costs next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.fft import rfft
from numpy.typing import NDArray

from addon.analysis.levels import FRAME, RATE_HZ
from addon.audio.decoders import Floats

#: A spectrum is so many 10 ms frames; spectra follow each other without a gap.
FRAMES = 10
_SAMPLES = FRAMES * FRAME
_HERTZ_PER_BIN = RATE_HZ / _SAMPLES
#: The bins analysed, 230 to 3,450 Hz.
_LOWEST, _HIGHEST = 23, 346
#: A tone fills so many bins to each side of its peak.
_BESIDE = 2
#: A spectrum is compared with its own mean over so many bins to each side.
_AROUND = 8
#: Quieter sound is not analysed, nor what the detector takes for speech.
ANALYSED_FROM_DBFS = -55.0
_SPEECH_FROM = 0.5


@dataclass(frozen=True)
class Spectra:
    """The tones on one channel, one entry for each 0.1 s; NaN where nothing was analysed.

    `hertz` are the two strongest frequencies, (spectra, 2), the second NaN where there is none;
    `share` is their part of the energy; `steady` is the correlation with the spectrum before.
    """

    hertz: Floats
    share: Floats
    steady: Floats


class Tonality:
    """Spectra of all channels, block after block at 8 kHz."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._window = np.hanning(_SAMPLES + 1)[:-1].astype(np.float32)
        self._blocks: list[Floats] = []

    def add(self, samples: Floats, levels: Floats, probability: Floats) -> None:
        """Analyse (channels, n) samples with these 10 ms levels and speech probabilities.

        Blocks are whole spectra long, but for the last one, whose rest is not analysed.
        """
        count = samples.shape[1] // _SAMPLES
        seen = np.full((self._channels, count, 4), np.nan, np.float32)
        for channel in range(self._channels):
            cut = samples[channel, : count * _SAMPLES].reshape(count, _SAMPLES)
            loud = levels[channel, : count * FRAMES].reshape(count, FRAMES).mean(axis=1)
            at = np.flatnonzero(
                (loud > ANALYSED_FROM_DBFS)
                & (_at_spectra(probability[channel], count) < _SPEECH_FROM)
            )
            if len(at):
                seen[channel, at] = _measured(cut[at] * self._window, at)
        self._blocks.append(seen)

    def spectra(self) -> list[Spectra]:
        """Everything seen so far, one Spectra a channel."""
        empty = np.zeros((self._channels, 0, 4), np.float32)
        every = np.concatenate([empty, *self._blocks], axis=1)
        return [Spectra(seen[:, :2], seen[:, 2], seen[:, 3]) for seen in every]


def _at_spectra(probability: Floats, count: int) -> Floats:
    """The detector's answer in the middle of each spectrum."""
    middle = (np.arange(count) + 0.5) / max(count, 1) * len(probability)
    nearest: Floats = probability[np.minimum(middle.astype(np.intp), len(probability) - 1)]
    return nearest


def _measured(windowed: Floats, at: NDArray[np.intp]) -> Floats:
    """(spectra, 4): the two strongest frequencies, their share, the likeness to the row before."""
    spectrum = rfft(windowed, axis=1)[:, _LOWEST:_HIGHEST]
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) + np.float32(1e-12)
    total = power.sum(axis=1)
    logarithm = np.log(power)
    first, first_power = _peak(power, logarithm)
    second, second_power = _peak(power, logarithm)
    second[second_power < 0.05 * first_power] = np.nan
    return np.stack(
        [first, second, (first_power + second_power) / total, _steady(logarithm, at)], 1
    )


def _peak(power: Floats, logarithm: Floats) -> tuple[Floats, Floats]:
    """The strongest frequency of each row in hertz, and its power, which leaves `power`."""
    rows, bins = np.arange(len(power)), power.shape[1]
    peak = np.clip(power.argmax(axis=1), 1, bins - 2)
    left, top, right = (logarithm[rows, peak + step] for step in (-1, 0, 1))
    curve = np.minimum(left - 2 * top + right, -1e-6)
    offset = np.clip((left - right) / (2 * curve), -0.5, 0.5)
    taken = np.zeros(len(power), np.float32)
    for step in range(-_BESIDE, _BESIDE + 1):
        bin_ = np.clip(peak + step, 0, bins - 1)
        taken += power[rows, bin_]
        power[rows, bin_] = 0
    return ((_LOWEST + peak + offset) * _HERTZ_PER_BIN).astype(np.float32), taken


def _steady(logarithm: Floats, at: NDArray[np.intp]) -> Floats:
    """The correlation of each row's fine structure with that of the row before; NaN without one."""
    sums = np.cumsum(np.pad(logarithm, ((0, 0), (_AROUND + 1, _AROUND)), mode="edge"), axis=1)
    width = 2 * _AROUND + 1
    fine = logarithm - (sums[:, width:] - sums[:, :-width]) / width
    fine /= np.sqrt((fine * fine).sum(axis=1, keepdims=True)) + np.float32(1e-9)
    steady = np.full(len(fine), np.nan, np.float32)
    steady[1:] = np.einsum("lb,lb->l", fine[1:], fine[:-1])
    steady[np.flatnonzero(np.diff(at, prepend=at[:1]) != 1)] = np.nan
    return steady
