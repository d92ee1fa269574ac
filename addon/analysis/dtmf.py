"""Finds the two tones of a key in 25 ms of sound, every 5 ms: the measuring half of the detector.

A coarse screen sees every 10 ms; only what might be a key is measured closely. Shares are taken of
the energy within the DTMF band and of that above 300 Hz, so DC, hum and rumble do not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from addon.audio.decoders import Floats

RATE_HZ = 8000
#: Samples between two windows (5 ms), in each window (25 ms), and in a screened pair of windows.
HOP, WINDOW = 40, 200
PAIR = WINDOW + HOP

_LOW, _HIGH = (697.0, 770.0, 852.0, 941.0), (1209.0, 1336.0, 1477.0, 1633.0)
#: Telephones are off by up to 1.8 %: each frequency is measured at these, the offset interpolated.
_DETUNED = np.array([-0.014, 0.0, 0.014])

#: A pair of windows is measured closely where the tones hold this share of the DTMF band and the
#: strongest frequency of each group this multiple of the next one's power.
_SCREENED_SHARE, _SCREENED_RATIO = 0.45, 3.0
#: Or, under something louder, this share where the tones stand out by this ratio.
_COVERED_SHARE, _COVERED_RATIO = 0.25, 6.0
#: A window is kept from these on: as faint as the faintest press that has to be muted.
_MIN_BAND, _MIN_WIDE, _MIN_RATIO, _MAX_TWIST_DB = 0.3, 0.08, 4.0, 18.0
#: A clear window: little else is in it.
_CLEAR_BAND, _CLEAR_WIDE = 0.5, 0.2
#: Power from which tones are sought. A reader finds them at -70 dBFS on a line that is silent.
_MIN_POWER = 10 ** (-70 / 10)


class ToneWindow(NamedTuple):
    """25 ms of sound in which one tone of each group stands out."""

    #: Number of the window, 5 ms apart, and which of the 16 keys.
    at: int
    key: int
    #: Power of both tones, 0.5 being a full-scale sine.
    power: float
    #: Shares of the energy that the tones hold: of the DTMF band, of all above 300 Hz, and of the
    #: band of the group in which they hold less.
    band: float
    wide: float
    group: float
    #: Power of the strongest frequency of a group over the next one's, the lesser of both groups.
    ratio: float
    #: How much louder the low tone is than the high one.
    twist_db: float
    #: How far each tone is from its nominal frequency, as a share of it.
    low_offset: float
    high_offset: float

    @property
    def is_clear(self) -> bool:
        """True if the tones hold so much of the energy that they can be judged by their purity."""
        return self.band > _CLEAR_BAND and self.wide > _CLEAR_WIDE


def tone_windows(row: Floats) -> Iterator[ToneWindow]:
    """The windows of one channel's samples that show a key, the first one at the first sample."""
    candidates = 2 * _screened(row)
    if not len(candidates):
        return
    at = np.stack([candidates, candidates + 1], axis=1).ravel()
    windows = np.lib.stride_tricks.sliding_window_view(row, WINDOW)[at * HOP]
    yield from _measured(at, windows)


def pairs(samples: int) -> int:
    """The number of pairs of windows that fit into so many samples."""
    return max((samples - PAIR) // (2 * HOP) + 1, 0)


def _screened(row: Floats) -> NDArray[np.intp]:
    """The pairs of windows that hold a tone of each group."""
    count = pairs(len(row))
    if not count:
        return np.zeros(0, np.intp)
    # Three products of pieces that do not overlap: faster than one of windows, which are copied.
    pieces = row[: (count + 2) * 2 * HOP].reshape(-1, 2 * HOP)
    parts = pieces[:count] @ _SCREEN[0]
    parts += pieces[1 : count + 1] @ _SCREEN[1]
    parts += pieces[2:] @ _SCREEN[2]
    tones = _squared(np.ascontiguousarray(parts[:, :16].T))
    low, high = tones[:4].max(axis=0), tones[4:].max(axis=0)
    strength = low + high
    band = np.einsum("nf,nf->n", parts[:, 16:], parts[:, 16:])
    loud = strength > _MIN_POWER * _SCREEN_POWER
    found = np.flatnonzero(loud & (strength > _COVERED_SHARE * band))
    second = np.partition(tones[:, found].reshape(2, 4, -1), 2, axis=1)[:, 2]
    covered = strength[found] <= _SCREENED_SHARE * band[found]
    ratio = np.where(covered, np.float32(_COVERED_RATIO), np.float32(_SCREENED_RATIO))
    stands_out = (np.stack([low, high])[:, found] > ratio * second).all(axis=0)
    screened: NDArray[np.intp] = found[stands_out]
    return screened


def _measured(at: NDArray[np.intp], windows: Floats) -> Iterator[ToneWindow]:
    """Those of the windows, (n, WINDOW), that are worth keeping."""
    detuned, groups, wide = _tones(windows)
    strongest, second = groups.max(axis=1), np.partition(groups, 2, axis=1)[:, 2]
    ratio = (strongest / (second + _TINY)).min(axis=0)
    twist = 10 * np.log10((strongest[0] + _TINY) / (strongest[1] + _TINY))
    level = strongest.sum(axis=0) / _POWER
    good = np.flatnonzero(
        (wide > _MIN_WIDE)
        & (ratio > _MIN_RATIO)
        & (np.abs(twist) < _MAX_TWIST_DB)
        & (level > _MIN_POWER)
    )
    energy = _IN_ENERGY * strongest[:, good]
    bands = _band_energies(windows[good])
    low, high = groups[:, :, good].argmax(axis=1)
    columns = (
        at[good],
        4 * low + high,
        level[good],
        energy.sum(axis=0) / (bands.sum(axis=0) + _TINY),
        wide[good],
        (energy / (bands + _TINY)).min(axis=0),
        ratio[good],
        twist[good],
        _offset(detuned[low, :, good]),
        _offset(detuned[4 + high, :, good]),
    )
    for values in zip(*(column.tolist() for column in columns), strict=True):
        window = ToneWindow(*values)
        if window.band > _MIN_BAND:
            yield window


def _tones(windows: Floats) -> tuple[Floats, Floats, Floats]:
    """Powers at the eight frequencies, detuned (8, 3, n) and at their best (2, 4, n); the share
    of the energy above 300 Hz that the strongest of each group hold."""
    power = _squared(_TONE_BASIS @ windows.T)
    detuned, rumble = power[:24].reshape(8, 3, -1), power[24:]
    groups = detuned.max(axis=1).reshape(2, 4, -1)
    energy = windows**2 @ _HANN_SQUARED
    above = energy - (2 * rumble.sum(axis=0) - rumble[0]) / WINDOW
    wide: Floats = _IN_ENERGY * groups.max(axis=1).sum(axis=0) / np.maximum(above, _TINY)
    return detuned, groups, wide


def _band_energies(windows: Floats) -> Floats:
    """The energy in the band of each group, (2, n)."""
    power = _squared(_BAND_BASIS @ windows.T)
    energies = np.stack([power[:_SPLIT].sum(axis=0), power[_SPLIT:].sum(axis=0)])
    return energies * np.float32(2 / WINDOW)


def _offset(powers: Floats) -> Floats:
    """Place of the peak between the three detuned frequencies, by a parabola of logarithms."""
    left, middle, right = np.log(powers.T + _TINY)
    bend = np.minimum(left - 2 * middle + right, -1e-6)
    offset: Floats = np.clip((left - right) / bend / 2, -2, 2) * _DETUNED[2]
    return offset


def _squared(parts: Floats) -> Floats:
    """Powers of complex sums whose real parts come first and imaginary parts after them."""
    half = len(parts) // 2
    power: Floats = parts[:half] ** 2
    power += parts[half:] ** 2
    return power


def _hann(samples: int) -> NDArray[np.float64]:
    return np.asarray(np.sin(np.pi * (np.arange(samples) + 0.5) / samples) ** 2)


def _basis(frequencies: NDArray[np.float64], samples: int) -> Floats:
    """Rows of windowed cosines, then of sines: one real product gives complex sums."""
    phase = 2 * np.pi * np.outer(frequencies, np.arange(samples)) / RATE_HZ
    rows = np.concatenate([np.cos(phase), -np.sin(phase)]) * _hann(samples)
    return np.ascontiguousarray(rows, np.float32)


_TINY = np.float32(1e-20)
_HANN_SQUARED = (_hann(WINDOW) ** 2).astype(np.float32)
_TONES = np.array(_LOW + _HIGH)
#: The DTMF band at a spacing that lets a tone count the same wherever it lies.
_GRID = np.arange(600.0, 1750.0, 60.0)
_SCREEN = np.split(np.concatenate([_basis(_TONES, PAIR), _basis(_GRID, PAIR)]).T.copy(), 3)
#: Bins 40 Hz apart: those below 300 Hz, and those of the two groups' bands.
_RUMBLE = np.arange(0.0, 281.0, 40.0)
_LOW_BAND, _HIGH_BAND = np.arange(600.0, 1041.0, 40.0), np.arange(1080.0, 1721.0, 40.0)
_SPLIT = len(_LOW_BAND)
_DETUNED_TONES = np.outer(_TONES, 1 + _DETUNED).ravel()
_TONE_BASIS = _basis(np.concatenate([_DETUNED_TONES, _RUMBLE]), WINDOW)
_BAND_BASIS = _basis(np.concatenate([_LOW_BAND, _HIGH_BAND]), WINDOW)
#: From the squared sum at a tone's frequency to its power, and to its energy under the window.
_POWER = float(_hann(WINDOW).sum() ** 2 / 2)
_SCREEN_POWER = float(_hann(PAIR).sum() ** 2 / 2)
_IN_ENERGY = np.float32(2 * (_hann(WINDOW) ** 2).sum() / _hann(WINDOW).sum() ** 2)
