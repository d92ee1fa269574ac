"""Background voices: people in the room of a party, whom the detector hears as well as the party.

A room full of voices leaves a channel no quiet moment and no steady noise: the quieter sounds in it
vary as voices do. Between them and the party's own, near voice lies a floor (decision 0213). One
quiet party on a line that falls silent now and then is no background, however quiet.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from addon.analysis import runs
from addon.analysis.levels import percentiles, smoothed
from addon.analysis.runs import Mask
from addon.audio.decoders import Floats

#: Levels are taken over 0.2 s, about a syllable. All in 10 ms frames, as what follows.
SYLLABLE = 20
#: The floor is set anew every five seconds, from the ten seconds to each side.
_STEP, _AROUND = 500, 1000
#: The near voice is this percentile of what the detector hears; quieter than it by this is far.
_NEAR_PERCENTILE = 95
_FAR_DB = 11.0
#: In far sound, away from near speech by these, voices are heard at least this part of the time.
_BEFORE_NEAR, _AFTER_NEAR = 30, 50
_HEARD_FAR = 0.02
#: The quieter sound of a room full of voices varies by so much between its 5th and 25th
#: percentiles, and its 10th percentile is no further below the near voice than this.
_VARIES_DB = (1.5, 8.0)
_DEEPEST_DB = 31.0
#: Far voices reach this many times the distance of those percentiles above the 20th; the floor is
#: never higher than this below the near voice.
_REACH = 2.5
_BELOW_NEAR_DB = 9.0
#: A channel has background voices where this part of its steps with speech has.
_ENOUGH_STEPS = 0.2


def floors(heard: Sequence[Mask], levels: Floats, hold: Mask | None = None) -> list[Floats | None]:
    """For each channel the level in dB, frame by frame, below which voices are background.

    None where a channel has no background voices; -inf where there are none around the frame.
    What plays on `hold` is left out.
    """
    return [
        _floor(mask, smoothed(row, SYLLABLE), np.zeros_like(mask) if hold is None else hold)
        for mask, row in zip(heard, levels, strict=True)
    ]


def _floor(heard: Mask, level: Floats, hold: Mask) -> Floats | None:
    spoken = heard & ~hold
    if not spoken.any():
        return None
    (near,) = percentiles(level[spoken], _NEAR_PERCENTILE)
    close = runs.padded(runs.runs(level > near - _FAR_DB), _BEFORE_NEAR, _AFTER_NEAR, len(level))
    far = ~runs.mask(close, len(level)) & ~hold
    if not far.any() or heard[far].mean() < _HEARD_FAR:
        return None
    floor = np.full(len(level), -np.inf, np.float32)
    steps = [step for step in range(0, len(level), _STEP) if spoken[step : step + _STEP].any()]
    for step in steps:
        around = slice(max(step - _AROUND, 0), step + _STEP + _AROUND)
        floor[step : step + _STEP] = _floor_of(level[around][~hold[around]], near)
    held = np.mean([np.isfinite(floor[step]) for step in steps])
    return floor if held >= _ENOUGH_STEPS else None


def _floor_of(level: Floats, near: float) -> float:
    """The floor in a stretch of a channel; -inf where its quieter sound is not that of voices."""
    ranks = [int(len(level) * share / 100) for share in (5, 10, 20, 25)]
    lowest, low, usual, upper = np.partition(level, ranks)[ranks]
    if not _VARIES_DB[0] <= upper - lowest <= _VARIES_DB[1] or low < near - _DEEPEST_DB:
        return -np.inf
    return float(min(usual + _REACH * (usual - lowest), near - _BELOW_NEAR_DB))
