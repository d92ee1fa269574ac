"""Presses of a key, made of successive windows, and how far each can be believed.

A key's tones are pure, steady and at their places; a voice or an instrument resembles them for a
moment, with harmonics beside them, gliding, or a little off. All figures are medians over a press,
so that one noisy window decides nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from statistics import median
from typing import NamedTuple

from addon.analysis.dtmf import ToneWindow


class Certainty(IntEnum):
    """Certainty in a press: seen only, to be muted, or to be counted by itself."""

    FAINT = 0
    POSSIBLE = 1
    CERTAIN = 2


class Limits(NamedTuple):
    """Limits that a press meets; shares and ratios as in ToneWindow, lengths in windows."""

    length: int
    band: float
    wide: float
    group: float
    ratio: float
    twist_db: float
    #: Of a tone from its place, of both offsets from each other, and their spread over the press.
    offset: float
    apart: float
    spread: float

    def is_met(self, press: KeyPress) -> bool:
        """True if the press meets all of them."""
        return (
            press.length >= self.length
            and press.band > self.band
            and press.wide > self.wide
            and press.group > self.group
            and press.ratio > self.ratio
            and abs(press.twist_db) < self.twist_db
            and max(abs(press.low_offset), abs(press.high_offset)) < self.offset
            and abs(press.low_offset - press.high_offset) < self.apart
            and press.spread < self.spread
        )


# CERTAIN is counted, POSSIBLE muted wherever it is heard. LONG is for a long press, whose tones a
# vocoder lets waver, and CUT for one that the beginning or the end of the recording cuts.
# STEADY and SHAKEN are for presses under something louder: tones of which little is left of the
# energy, but which stand out of their groups and keep their places as no voice does; STEADY under
# hum with strong harmonics and other sound at frequencies of its own, SHAKEN under noise, which
# shakes them. Two PIECEs of one key that follow each other are a press that a vocoder broke.
# fmt: off
#               length  band  wide  group  ratio  twist_db  offset  apart  spread
CERTAIN  = Limits(   6, 0.93, 0.80,   0.6,   6.0,     10.0,  0.022, 0.008,  0.008)
POSSIBLE = Limits(   5, 0.60, 0.40,   0.5,   4.5,     16.0,  0.025, 0.013,  0.012)
LONG     = Limits(  20, 0.60, 0.45,   0.5,   4.5,     16.0,  0.012, 0.012,  0.018)
CUT      = Limits(   2, 0.60, 0.40,   0.5,   4.5,     16.0,  0.025, 0.013,  0.020)
STEADY   = Limits(   7, 0.30, 0.08,   0.2,   8.0,      9.5,  0.022, 0.006,  0.006)
SHAKEN   = Limits(   8, 0.60, 0.15,   0.5,   5.0,      9.5,  0.022, 0.006,  0.009)
PIECE    = Limits(   1, 0.50, 0.45,   0.3,   4.0,     16.0,  0.022, 0.018,  0.020)
# fmt: on

#: Windows between two pieces of one press: 100 ms.
_APART = 20

#: Noise shows presses of fewer windows, in which the tones hold no more than these shares.
_CHANCE_WINDOWS, _CHANCE_BAND, _CHANCE_WIDE = 4, 0.4, 0.2

#: Windows within this share of the strongest one's power lie with their middle inside the tone.
_INSIDE = 0.25


@dataclass(eq=False)
class KeyPress:
    """Windows at one key without a gap: from the first to the last, and from where it is loud."""

    key: int
    first: int
    last: int
    start: int
    stop: int
    power: float
    band: float
    wide: float
    group: float
    ratio: float
    twist_db: float
    low_offset: float
    high_offset: float
    spread: float
    #: The beginning or the end of the recording lies within it.
    cut: bool = False
    certainty: Certainty = Certainty.FAINT
    #: What has been decided about it.
    muted: bool = False
    counted: bool = False

    @property
    def length(self) -> int:
        """In windows, from where half of the window holds the tone."""
        return self.stop - self.start + 1

    @property
    def may_be_chance(self) -> bool:
        """True if noise shows as much now and then: a moment in which the tones hold little."""
        unclear = self.band <= _CHANCE_BAND or self.wide <= _CHANCE_WIDE
        return self.certainty is Certainty.FAINT and unclear and self.length < _CHANCE_WINDOWS

    def joined(self, later: KeyPress) -> KeyPress:
        """This press and the next piece of it."""
        return replace(self, last=later.last, stop=later.stop)


def judged(windows: Sequence[ToneWindow], *, cut: bool = False) -> KeyPress:
    """The press that these windows at one key show.

    It is judged by its clear windows first, so that what is lost in noise at its edges does not
    count against it; then by all of them, as a press under something louder.
    """
    clear = [window for window in windows if window.is_clear]
    press = _shown(clear or windows, cut=cut)
    if CERTAIN.is_met(press):
        press.certainty = Certainty.CERTAIN
    elif any(bar.is_met(press) for bar in (POSSIBLE, LONG, *([CUT] if cut else []))):
        press.certainty = Certainty.POSSIBLE
    elif len(windows) >= STEADY.length:
        mixed = 0 < len(clear) < len(windows)
        whole = _shown(windows, cut=cut) if mixed else press
        if STEADY.is_met(whole) or SHAKEN.is_met(whole):
            press = replace(whole, certainty=Certainty.POSSIBLE)
    press.first, press.last = windows[0].at, windows[-1].at
    return press


#: The figures of a press that are medians over its windows.
_MEDIANS = (
    "power", "band", "wide", "group", "ratio", "twist_db", "low_offset", "high_offset",
)  # fmt: skip


def _shown(windows: Sequence[ToneWindow], *, cut: bool) -> KeyPress:
    """The press with the medians over these windows, not judged yet."""
    strongest = max(window.power for window in windows)
    inside = [window.at for window in windows if window.power > _INSIDE * strongest]
    held = [window for window in windows if inside[0] <= window.at <= inside[-1]]
    lows, highs = [window.low_offset for window in held], [window.high_offset for window in held]
    medians = {name: median(getattr(window, name) for window in held) for name in _MEDIANS}
    return KeyPress(
        key=windows[0].key,
        first=windows[0].at,
        last=windows[-1].at,
        start=inside[0],
        stop=inside[-1],
        **medians,
        spread=max(_spread(lows), _spread(highs)),
        cut=cut,
    )


#: Presses of one telephone: power of the louder over the fainter one, difference of their offsets.
_ALIKE_POWERS, _ALIKE_OFFSETS = 6.0, 0.01


def are_alike(press: KeyPress, other: KeyPress) -> bool:
    """True if two presses have about the same level and are off by about the same share."""
    return (
        _over([press.power, other.power]) < _ALIKE_POWERS
        and abs(press.low_offset - other.low_offset) < _ALIKE_OFFSETS
        and abs(press.high_offset - other.high_offset) < _ALIKE_OFFSETS
    )


def are_pieces(press: KeyPress, later: KeyPress) -> bool:
    """True if two faint presses are pieces of one."""
    return (
        press.key == later.key
        and later.start - press.stop <= _APART
        and PIECE.is_met(press)
        and PIECE.is_met(later)
    )


def _spread(values: Sequence[float]) -> float:
    """Standard deviation."""
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))


#: A regular row has at least this many presses, the next one within 2 s.
ROW, _ROW_GAP = 4, 400
#: Its loudest over its faintest, longest over shortest, longest wait over shortest, and how much
#: its tones' offsets differ: those of one telephone by less than two crystals' errors.
_ROW_POWERS, _ROW_LENGTHS, _ROW_WAITS, _ROW_OFFSETS = 2.5, 1.5, 1.3, 0.014


def is_row(presses: Sequence[KeyPress]) -> bool:
    """True if these presses, in order, are so regular that a machine must have dialled them."""
    if len(presses) < ROW:
        return False
    pairs = list(itertools.pairwise(presses))
    lows = [press.low_offset for press in presses]
    highs = [press.high_offset for press in presses]
    return (
        max(later.start - press.stop for press, later in pairs) < _ROW_GAP
        and _over([press.power for press in presses]) < _ROW_POWERS
        and _over([press.length for press in presses]) <= _ROW_LENGTHS
        and _over([later.start - press.start for press, later in pairs]) < _ROW_WAITS
        and max(max(lows) - min(lows), max(highs) - min(highs)) < _ROW_OFFSETS
        and abs(median(lows) - median(highs)) < CERTAIN.apart
        and max(abs(press.twist_db) for press in presses) < CERTAIN.twist_db
    )


def _over(values: Sequence[float]) -> float:
    return max(values) / min(values)
