"""From what the detector heard to what counts as speech: echo removed, gaps filled, edges padded.

A telephone line often carries each party faintly on the other's channel. Without the gate against
this bleed, crosstalk figures are worthless on such lines (spec/audio 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from addon.analysis import runs
from addon.analysis.background import SYLLABLE
from addon.analysis.levels import FLOOR_DBFS, median, percentiles, smoothed
from addon.analysis.runs import Mask
from addon.audio.decoders import Floats

#: What is further below the channel's usual speech, or no louder than the noise around, is not
#: heard by anybody (decision 0203).
AUDIBLE_DB = 30.0
ABOVE_NOISE_DB = 1.3
NOISE_QUANTILE = 0.25
#: Of a syllable above the floor of background voices, this much below the floor counts too.
EDGES_BELOW_DB = 4.0
# All in 10 ms frames.
FIRST_FILL = 10
FILL = 30
MIN_SPEECH = 20
#: Noise is looked for this far around, and known from so much sound outside speech.
NOISE_WITHIN = 1000
ENOUGH_NOISE = 50
PAD_BEFORE, PAD_AFTER = 3, 0
#: How far around a key tone nothing counts as speech.
TONE_MARGIN = 3

#: The gate: the other party spoke this recently, was this much louder, and this channel's frame
#: is this far below its own usual speech, known once it has spoken alone for so long.
RECENT = 30
LOUDER_WITHIN = 25
LOUDER_BY_DB = 12.0
BELOW_OWN_BY_DB = 6.0
OWN_SPEECH = 50
#: A line that bleeds does so all the time: below this share of the other's speech it was chance,
#: as where a voice trails off under the other party's (decision 0202).
BLEEDS_FROM = 0.08
#: Echo follows the voice: at the delay at which both rise and fall together, up to RECENT, the
#: difference of their levels varies by no more than this between its quartiles (decision 0212).
FOLLOWS_WITHIN_DB = 5.5
#: So many frames are enough to tell.
_JUDGED = 20_000
_SMOOTH = 5


def settle(
    heard: Sequence[Mask],
    levels: Floats,
    tones: Sequence[Mask],
    hold: Mask | None = None,
    floors: Sequence[Floats | None] | None = None,
) -> tuple[list[Mask], list[int]]:
    """The final speech mask of each channel, and how many frames the gate took from each.

    In `tones` and `hold` something else sounds: a tone is no speech, and music is no noise. Voices
    below the `floors` are in the background.
    """
    smooth = [smoothed(row, _SMOOTH) for row in levels]
    near = [
        mask if floor is None else _near(mask, row, level, floor)
        for mask, row, level, floor in zip(
            heard, levels, smooth, floors or [None] * len(heard), strict=True
        )
    ]
    first = [
        _first_pass(_audible(mask, level, hold), tone)
        for mask, level, tone in zip(near, smooth, tones, strict=True)
    ]
    gated = _gate(first, smooth) if len(first) == 2 else first
    bled = [int(before.sum() - after.sum()) for before, after in zip(first, gated, strict=True)]
    return [_last_pass(mask, tone) for mask, tone in zip(gated, tones, strict=True)], bled


def _near(heard: Mask, levels: Floats, smooth: Floats, floor: Floats) -> Mask:
    """Without the voices in the background: a syllable reaches the floor, its edges nearly do."""
    near: Mask = heard & (smoothed(levels, SYLLABLE) > floor) & (smooth > floor - EDGES_BELOW_DB)
    return near


def _audible(heard: Mask, level: Floats, hold: Mask | None) -> Mask:
    """Without the frames that the detector, which follows slowly, holds on to after the voice."""
    if not heard.any():
        return heard
    usual = 10 * np.log10(np.mean(np.power(10, level[heard] / 10)))
    floor = np.maximum(usual - AUDIBLE_DB, _noise_around(heard, level, hold) + ABOVE_NOISE_DB)
    audible: Mask = heard & (level > floor)
    return audible


def _noise_around(heard: Mask, level: Floats, hold: Mask | None) -> Floats:
    """The quieter sound outside speech and music within ten seconds of each second with speech."""
    quiet = ~heard if hold is None else ~heard & ~hold
    noise = np.full(len(level), FLOOR_DBFS, np.float32)
    for second in range(0, len(level), runs.FRAME_RATE):
        here = slice(second, second + runs.FRAME_RATE)
        if not heard[here].any():
            continue
        around = slice(max(second - NOISE_WITHIN, 0), here.stop + NOISE_WITHIN)
        outside = level[around][quiet[around]]
        if len(outside) >= ENOUGH_NOISE:
            rank = int(len(outside) * NOISE_QUANTILE)
            noise[here] = np.partition(outside, rank)[rank]
    return noise


def _first_pass(heard: Mask, tones: Mask) -> Mask:
    filled = runs.mask(runs.joined(runs.runs(heard), FIRST_FILL), len(heard))
    return filled & ~tones


def _last_pass(speech: Mask, tones: Mask) -> Mask:
    spans = runs.at_least(runs.joined(runs.runs(speech), FILL), MIN_SPEECH)
    return runs.mask(runs.padded(spans, PAD_BEFORE, PAD_AFTER, len(speech)), len(speech)) & ~tones


def _gate(speech: list[Mask], smooth: list[Floats]) -> list[Mask]:
    return [
        speech[this] & ~_bleed(speech[this], speech[other], smooth[this], smooth[other])
        for this, other in ((0, 1), (1, 0))
    ]


def _bleed(this: Mask, other: Mask, level: Floats, other_level: Floats) -> Mask:
    """The frames of `this` that are the other party heard through the line.

    Bleed: the other spoke within RECENT frames, was more than LOUDER_BY_DB louder within
    LOUDER_WITHIN frames, and the frame lies BELOW_OWN_BY_DB under the median level of the speech
    that is surely this channel's own (this last test only where there is enough such speech).
    """
    echo = _trailing_max(other, RECENT) & (
        _trailing_max(other_level, LOUDER_WITHIN) - level > LOUDER_BY_DB
    )
    own = level[this & ~echo]
    if len(own) >= OWN_SPEECH:
        echo &= level < median(own) - BELOW_OWN_BY_DB
    taken = np.flatnonzero(echo & this)
    bleeds = len(taken) >= BLEEDS_FROM * np.count_nonzero(other)
    return echo if bleeds and _follows(level, other_level, taken) else np.zeros_like(echo)


def _follows(level: Floats, other_level: Floats, at: NDArray[np.intp]) -> bool:
    """True if the level at these frames follows the other channel's, at some delay."""
    at = at[at >= RECENT][:: len(at) // _JUDGED + 1]
    if len(at) < FIRST_FILL:
        return True
    here = level[at] - level[at].mean()
    best, apart = -np.inf, level[at]
    for delay in range(RECENT + 1):
        there = other_level[at - delay]
        spread = float(there.std())
        alike = float(here @ there) / spread if spread > 0 else 0.0
        if alike > best:
            best, apart = alike, there - level[at]
    lower, upper = percentiles(apart, 25, 75)
    return bool(upper - lower <= FOLLOWS_WITHIN_DB)


def _trailing_max(values: NDArray[Any], frames: int) -> NDArray[Any]:
    """The largest of each value and the `frames` before it, in steps that double."""
    largest, seen = values, 1
    while seen < frames + 1:
        step = min(seen, frames + 1 - seen)
        before, largest = largest, largest.copy()
        np.maximum(before[step:], before[:-step], out=largest[step:])
        seen += step
    return largest
