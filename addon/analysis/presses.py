"""Presses of a key, made of successive looks, and how far each can be believed.

A key's tones are pure, steady and at their places; a voice or an instrument resembles them for a
moment, with harmonics beside them, gliding, or a little off. All figures are medians over a press,
so that one noisy look decides nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from statistics import median

from addon.analysis.looks import Look


class Belief(IntEnum):
    """Belief in a press: seen only, to be muted, or to be counted by itself."""

    FAINT = 0
    POSSIBLE = 1
    CERTAIN = 2


@dataclass(frozen=True)
class Bar:
    """Limits that a believed press meets. Shares and ratios as in Look, lengths in looks."""

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

    def is_met(self, press: Press) -> bool:
        """Does the press show all of it?"""
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


#: Counted wherever it is heard.
CERTAIN = Bar(
    length=6,
    band=0.93,
    wide=0.8,
    group=0.6,
    ratio=6.0,
    twist_db=10.0,
    offset=0.022,
    apart=0.008,
    spread=0.008,
)
#: Muted wherever it is heard.
POSSIBLE = Bar(
    length=5,
    band=0.6,
    wide=0.4,
    group=0.5,
    ratio=4.5,
    twist_db=16.0,
    offset=0.025,
    apart=0.013,
    spread=0.012,
)
#: The same for a long press, whose tones a vocoder lets waver, and for one that the beginning or
#: the end of the recording cuts.
LONG = replace(POSSIBLE, length=20, wide=0.45, offset=0.012, apart=0.012, spread=0.018)
CUT = replace(POSSIBLE, length=2, spread=0.02)
#: The same under something louder: tones of which little is left of the energy, but which stand out
#: of their groups and keep their places as no voice does. The first is for hum with strong
#: harmonics and other sound at frequencies of its own, the second for noise, which shakes them.
STEADY = Bar(
    length=7,
    band=0.3,
    wide=0.08,
    group=0.2,
    ratio=8.0,
    twist_db=9.5,
    offset=0.022,
    apart=0.006,
    spread=0.006,
)
SHAKEN = replace(STEADY, length=8, band=0.6, wide=0.15, group=0.5, ratio=5.0, spread=0.009)
#: Muted where two such pieces of one key follow each other: a press that a vocoder broke.
PIECE = replace(
    POSSIBLE,
    length=1,
    band=0.5,
    wide=0.45,
    group=0.3,
    ratio=4.0,
    offset=0.022,
    apart=0.018,
    spread=0.02,
)
#: Looks between two pieces of one press: 100 ms.
_APART = 20

#: Noise shows presses of fewer looks, in which the tones hold no more than these shares.
_CHANCE_LOOKS, _CHANCE_BAND, _CHANCE_WIDE = 4, 0.4, 0.2

#: Looks within this share of the strongest one's power lie with their middle inside the tone.
_INSIDE = 0.25


@dataclass(eq=False)
class Press:
    """Looks at one key without a gap: from the first to the last, and from where it is loud."""

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
    belief: Belief = Belief.FAINT
    #: What has been decided about it.
    muted: bool = False
    counted: bool = False

    @property
    def length(self) -> int:
        """In looks, from where half of the window holds the tone."""
        return self.stop - self.start + 1

    @property
    def may_be_chance(self) -> bool:
        """True if noise shows as much now and then: a moment in which the tones hold little."""
        unclear = self.band <= _CHANCE_BAND or self.wide <= _CHANCE_WIDE
        return self.belief is Belief.FAINT and unclear and self.length < _CHANCE_LOOKS

    def joined(self, later: Press) -> Press:
        """This press and the next piece of it."""
        return replace(self, last=later.last, stop=later.stop)


def of(looks: Sequence[Look], *, cut: bool = False) -> Press:
    """The press that these looks at one key show.

    It is judged by its clear looks first, so that what is lost in noise at its edges does not
    count against it; then by all of them, as a press under something louder.
    """
    clear = [look for look in looks if look.is_clear]
    press = _shown(clear or looks, cut=cut)
    if CERTAIN.is_met(press):
        press.belief = Belief.CERTAIN
    elif any(bar.is_met(press) for bar in (POSSIBLE, LONG, *([CUT] if cut else []))):
        press.belief = Belief.POSSIBLE
    elif len(looks) >= STEADY.length:
        mixed = 0 < len(clear) < len(looks)
        whole = _shown(looks, cut=cut) if mixed else press
        if STEADY.is_met(whole) or SHAKEN.is_met(whole):
            press = replace(whole, belief=Belief.POSSIBLE)
    press.first, press.last = looks[0].at, looks[-1].at
    return press


def _shown(looks: Sequence[Look], *, cut: bool) -> Press:
    """The press with the medians over these looks, not judged yet."""
    strongest = max(look.power for look in looks)
    inside = [look.at for look in looks if look.power > _INSIDE * strongest]
    held = [look for look in looks if inside[0] <= look.at <= inside[-1]]
    lows, highs = [look.low_offset for look in held], [look.high_offset for look in held]
    return Press(
        key=looks[0].key,
        first=looks[0].at,
        last=looks[-1].at,
        start=inside[0],
        stop=inside[-1],
        power=median(look.power for look in held),
        band=median(look.band for look in held),
        wide=median(look.wide for look in held),
        group=median(look.group for look in held),
        ratio=median(look.ratio for look in held),
        twist_db=median(look.twist_db for look in held),
        low_offset=median(lows),
        high_offset=median(highs),
        spread=max(_spread(lows), _spread(highs)),
        cut=cut,
    )


#: Presses of one telephone: power of the louder over the fainter one, difference of their offsets.
_ALIKE_POWERS, _ALIKE_OFFSETS = 6.0, 0.01


def are_alike(press: Press, other: Press) -> bool:
    """True if two presses have about the same level and are off by about the same share."""
    return (
        _over([press.power, other.power]) < _ALIKE_POWERS
        and abs(press.low_offset - other.low_offset) < _ALIKE_OFFSETS
        and abs(press.high_offset - other.high_offset) < _ALIKE_OFFSETS
    )


def are_pieces(press: Press, later: Press) -> bool:
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


def is_row(presses: Sequence[Press]) -> bool:
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
