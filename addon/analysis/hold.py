"""Hold music, ringing and announcement tones: long sound on the line while nobody speaks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from addon.analysis import runs
from addon.analysis.runs import Mask, Runs

Floats = NDArray[np.float32]

#: In 10 ms frames: the shortest sound that counts, pauses in it, and the smoothing of its level.
MIN_HOLD = 300
PAUSE = 50
_SMOOTH = 50
#: Louder than the channel's quiet moments by this, and louder than this at all.
ABOVE_NOISE_DB = 10.0
FLOOR_DBFS = -50.0
#: The quiet moments: this percentile of the levels outside speech, as music may fill most of them.
_QUIET_PERCENTILE = 10


def hold(speech: Sequence[Mask], levels: Floats) -> Runs:
    """Runs of 3 s or more in which no party speaks and some channel carries sound."""
    quiet = ~np.logical_or.reduce(speech)
    sounding = np.logical_or.reduce(
        [_sounding(row, mask) for row, mask in zip(levels, speech, strict=True)]
    )
    spans = runs.joined(runs.runs(sounding & quiet), PAUSE)
    return runs.at_least(runs.runs(runs.mask(spans, len(quiet)) & quiet), MIN_HOLD)


def _sounding(levels: Floats, speech: Mask) -> Mask:
    outside = levels[~speech]
    if not len(outside):
        return np.zeros_like(speech)
    noise = float(np.percentile(outside, _QUIET_PERCENTILE))
    power = np.where(speech, 0, np.power(10, levels / 10))
    window = np.full(_SMOOTH, 1 / _SMOOTH, np.float32)
    smooth = 10 * np.log10(np.maximum(np.convolve(power, window, "same")[: len(levels)], 1e-12))
    loud: Mask = smooth > max(noise + ABOVE_NOISE_DB, FLOOR_DBFS)
    return loud
