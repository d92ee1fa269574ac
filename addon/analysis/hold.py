"""Hold music, ringing and announcement tones: long sound on the line while nobody speaks.

Sound is music on hold where it is louder than the line while people talk, or where it holds its
frequencies for a while as music does and noise does not (decision 0211).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from addon.analysis import runs, tonality
from addon.analysis.levels import FLOOR_DBFS, percentiles, smoothed
from addon.analysis.runs import Mask, Runs
from addon.analysis.tonality import Spectra
from addon.audio.decoders import Floats

#: In 10 ms frames: the shortest sound that counts, pauses in it, and the smoothing of its level.
MIN_HOLD = 300
PAUSE = 50
_SMOOTH = 50
#: Louder than the channel's quiet moments by this, and louder than this at all.
ABOVE_NOISE_DB = 10.0
AUDIBLE_DBFS = -50.0
#: The quiet moments: this percentile of the levels outside speech, of the whole recording or of
#: what lies so near to speech (10 ms frames) that it is a pause, whichever is quieter.
_QUIET_PERCENTILE = 10
#: Hum rises and falls from frame to frame, and would be louder than its own quiet moments.
_QUIET_SMOOTH = 10
_NEAR = 200
#: So many frames of speech, and of pauses near it, tell how the line sounds.
_ENOUGH = 100
#: Music: over 5 s each spectrum is this much like the one before, on average. Where people talk, a
#: whine on their line would be too, so that more is asked for, and notes that change.
_STEADY, _STEADY_BETWEEN_WORDS = 0.2, 0.4
_CHANGES_HERTZ = 20.0
_OVER_SPECTRA = 50
#: The strongest frequency of hum lies below this and so near to a harmonic of the mains.
_HUM_BELOW_HERTZ = 420.0
_MAINS_HERTZ = (50.0, 60.0)
_MAINS_WITHIN_HERTZ = 2.0


def hold(
    speech: Sequence[Mask],
    levels: Floats,
    spectra: Sequence[Spectra] = (),
    signals: Mask | None = None,
) -> Runs:
    """Runs of 3 s or more in which no party speaks and some channel carries music or tones.

    `signals` are the frames of call progress tones, the pauses of their cadence included.
    """
    anybody = np.logical_or.reduce(speech)
    sound = np.zeros_like(anybody) if signals is None else signals.copy()
    talk = bool(anybody.sum() >= _ENOUGH)
    near = _near(anybody) if talk else anybody
    for channel, (row, mask) in enumerate(zip(levels, speech, strict=True)):
        level = smoothed(np.where(mask, FLOOR_DBFS, row), _SMOOTH)
        sound |= level > max(_quiet(row, mask, near) + ABOVE_NOISE_DB, AUDIBLE_DBFS)
        if channel < len(spectra):
            sound |= _music(spectra[channel], len(row), talk=talk) & (level > AUDIBLE_DBFS)
    spans = runs.joined(runs.runs(sound & ~anybody), PAUSE)
    return runs.at_least(runs.runs(runs.mask(spans, len(anybody)) & ~anybody), MIN_HOLD)


def _quiet(levels: Floats, speech: Mask, near: Mask) -> float:
    """The level of a channel's quiet moments; `near` are the frames near anybody's speech."""
    smooth = smoothed(levels, _QUIET_SMOOTH)
    outside = smooth[~speech]
    if not len(outside):
        return FLOOR_DBFS
    (quiet,) = percentiles(outside, _QUIET_PERCENTILE)
    pauses = smooth[near & ~speech]
    if len(pauses) < _ENOUGH:
        return quiet
    return min(quiet, *percentiles(pauses, _QUIET_PERCENTILE))


def _near(anybody: Mask) -> Mask:
    """The frames within _NEAR of speech on any channel."""
    return runs.mask(runs.padded(runs.runs(anybody), _NEAR, _NEAR, len(anybody)), len(anybody))


def _music(spectra: Spectra, frames: int, *, talk: bool) -> Mask:
    """The frames of tonal sound; `talk` says that somebody speaks in the recording."""
    count = len(spectra.share)
    if not count:
        return np.zeros(frames, np.bool_)
    hertz = spectra.hertz[:, 0]
    apart = [np.abs(hertz - mains * np.round(hertz / mains)) for mains in _MAINS_HERTZ]
    seen = ~np.isnan(spectra.steady)
    hum = (np.min(apart, axis=0) <= _MAINS_WITHIN_HERTZ) & (hertz < _HUM_BELOW_HERTZ)
    analysed = np.maximum(_over_5_s(seen), _OVER_SPECTRA / 5)
    steady = _over_5_s(np.where(seen & ~hum, spectra.steady, 0)) / analysed
    if talk:
        known = np.where(seen, hertz, 0)
        spread = _over_5_s(known**2) / analysed - (_over_5_s(known) / analysed) ** 2
        music = (steady >= _STEADY_BETWEEN_WORDS) & (spread >= _CHANGES_HERTZ**2)
    else:
        music = steady >= _STEADY
    mask = np.zeros(frames, np.bool_)
    in_frames = np.repeat(music, tonality.FRAMES)[:frames]
    mask[: len(in_frames)] = in_frames
    return mask


def _over_5_s(values: NDArray[Any]) -> NDArray[np.float64]:
    """The sum over the spectra of the five seconds around each."""
    sums: NDArray[np.float64] = np.convolve(values, np.ones(_OVER_SPECTRA), "same")
    return sums[: len(values)]
