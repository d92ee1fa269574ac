"""Call progress tones: ringing, busy, reorder and dial tone, call waiting, fax, announcements.

A tone is known by its frequencies and by its cadence, the seconds it is on and off (ITU-T E.180,
E.182; the Precise Tone Plan of North America). Times are in 10 ms frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from addon.analysis import runs, tonality
from addon.analysis.levels import median
from addon.analysis.runs import Mask
from addon.analysis.tonality import Spectra
from addon.audio.decoders import Floats

RINGING, BUSY, REORDER, DIAL = "ringing", "busy", "reorder", "dial"
CALL_WAITING, FAX, SPECIAL = "call_waiting", "fax", "special_information"
KINDS = (RINGING, BUSY, REORDER, DIAL, CALL_WAITING, FAX, SPECIAL)

#: A spectrum shows a tone where two frequencies have this part of all energy, and two spectra show
#: the same tone where their frequencies are this close.
_PURE = 0.85
_SAME_HERTZ = 12.0
#: A burst's edges are where its level falls this far below its middle.
_EDGE_DB = 8.0
#: The pauses of a cadence are this much quieter than its bursts.
_PAUSE_DB = 12.0
#: Bands in hertz: of ringing and busy tones, fax calling and answering, the three special tones.
_PROGRESS_BAND = (340.0, 640.0)
_RINGING_BAND = (380.0, 500.0)
_FAX_CALLING, _FAX_ANSWERING = (1060.0, 1140.0), (2080.0, 2120.0)
_SPECIAL_BANDS = ((880.0, 1010.0), (1340.0, 1450.0), (1750.0, 1830.0))
#: All in frames. The longest pause within one cadence, the pause that only ringing and call
#: waiting have, and the longest burst of each.
_PAUSE = 1300
_RINGING_PAUSE = 130
_LONGEST_RING = 350
_WAITING_BURST, _WAITING_PAUSE = 65, 350
_REORDER_BURST, _BUSY_BURST = 35, 90
_BURSTS_OF_BUSY = 3
#: Notes follow each other without a pause; the shortest in a cadence is 0.2 s long.
_SHORTEST_PAUSE = 10
_DIAL, _DIAL_OF_ONE_FREQUENCY = 250, 400
_SPECIAL_GAP = 15


@dataclass(frozen=True)
class Burst:
    """One stretch of a steady tone; `hertz` are its one or two frequencies."""

    first: int
    last: int
    hertz: tuple[float, ...]

    def within(self, band: tuple[float, float]) -> bool:
        """All its frequencies lie in the band."""
        return all(band[0] <= one <= band[1] for one in self.hertz)

    def sounds_like(self, other: Burst) -> bool:
        """Both have the same frequencies."""
        return len(self.hertz) == len(other.hertz) and all(
            abs(one - two) <= _SAME_HERTZ for one, two in zip(self.hertz, other.hertz, strict=True)
        )


@dataclass(frozen=True)
class Signal:
    """A call progress tone of one of KINDS, from its first burst to the end of its last pause."""

    kind: str
    channel: int
    first: int
    last: int
    #: Where the tone itself sounds.
    bursts: tuple[tuple[int, int], ...]


def signals(
    spectra: Sequence[Spectra], levels: Floats, speech: Sequence[Mask], tones: Sequence[Mask]
) -> list[Signal]:
    """The call progress tones of all channels in order of time.

    A tone's last pause ends where anybody speaks, by `speech`. Key presses, `tones`, are none.
    """
    anybody = np.logical_or.reduce(speech)
    found: list[Signal] = []
    for channel, (seen, level, keys) in enumerate(zip(spectra, levels, tones, strict=True)):
        bursts = [
            burst for burst in _bursts(seen, level) if not keys[burst.first : burst.last].any()
        ]
        for cadence in _cadences(bursts, level, speech[channel]):
            found += _signals_of(cadence, channel, anybody)
        found += _special(bursts, channel)
    return sorted(found, key=lambda one: (one.first, one.channel))


def _bursts(spectra: Spectra, level: Floats) -> list[Burst]:
    """The runs of spectra that show one and the same tone, with edges from the 10 ms levels."""
    pure = spectra.share >= _PURE
    if not pure.any():
        return []
    lower, upper = np.fmin(*spectra.hertz.T), np.fmax(*spectra.hertz.T)
    alike = np.zeros(len(pure), np.bool_)
    alike[1:] = (
        pure[1:]
        & pure[:-1]
        & (np.abs(np.diff(lower)) < _SAME_HERTZ)
        & (np.abs(np.diff(upper)) < _SAME_HERTZ)
    )
    starts = np.flatnonzero(pure & ~alike)
    found = []
    for start in starts.tolist():
        stop = start + 1 + _leading(alike[start + 1 :])
        low, high = median(lower[start:stop]), median(upper[start:stop])
        hertz = (low, high) if high - low > _SAME_HERTZ else (low,)
        end = min(stop * tonality.FRAMES, len(level))  # the last spectrum may reach past the end
        if start * tonality.FRAMES < end:
            first, last = _edges(level, start * tonality.FRAMES, end)
            found.append(Burst(first, last, hertz))
    return _merged(found)


def _edges(level: Floats, first: int, last: int) -> tuple[int, int]:
    """Begin and end of the sound around the frames [first, last), by up to one spectrum."""
    floor = median(level[first:last]) - _EDGE_DB
    before = level[max(first - tonality.FRAMES, 0) : first][::-1] > floor
    after = level[last : last + tonality.FRAMES] > floor
    inside = np.flatnonzero(level[first:last] > floor)
    begin = first - _leading(before) if level[first] > floor else first + int(inside[0])
    end = last + _leading(after) if level[last - 1] > floor else first + int(inside[-1]) + 1
    return begin, end


def _leading(values: Mask) -> int:
    """The number of values that are true before the first that is not."""
    return len(values) if values.all() else int(values.argmin())


def _merged(bursts: Sequence[Burst]) -> list[Burst]:
    """Bursts that touch and sound alike as one: one spectrum on an edge may have parted them."""
    merged: list[Burst] = []
    for burst in bursts:
        before = merged[-1] if merged else None
        if before and burst.first - before.last <= 2 and burst.sounds_like(before):
            merged[-1] = Burst(before.first, max(burst.last, before.last), before.hertz)
        else:
            merged.append(burst)
    return merged


def _cadences(bursts: Sequence[Burst], level: Floats, speech: Mask) -> list[list[Burst]]:
    """Bursts that sound alike, with pauses of at most _PAUSE between them.

    Notes of a tune sound alike too, but something else goes on in their pauses.
    """
    cadences: list[list[Burst]] = []
    for burst in bursts:
        for cadence in cadences:
            before = cadence[-1]
            near = burst.sounds_like(before) and burst.first - before.last <= _PAUSE
            if near and _pause_is_quiet(level, speech, before, burst):
                cadence.append(burst)
                break
        else:
            cadences.append([burst])
    return cadences


def _pause_is_quiet(level: Floats, speech: Mask, before: Burst, after: Burst) -> bool:
    """Between the bursts the level falls, but for where somebody speaks, as over call waiting."""
    pause = slice(before.last, after.first)
    quiet = level[pause][~speech[pause]]
    burst = median(level[before.first : before.last])
    return not len(quiet) or median(quiet) < burst - _PAUSE_DB


def _signals_of(cadence: Sequence[Burst], channel: int, anybody: Mask) -> list[Signal]:
    """A cadence as the signal that it is, if any; call waiting is a signal with each burst."""
    kind = _kind(cadence)
    if kind is None:
        return []
    spans = tuple((burst.first, burst.last) for burst in cadence)
    if kind == CALL_WAITING:
        return [Signal(kind, channel, *span, (span,)) for span in spans]
    pauses = _pauses(cadence)
    end = min(spans[-1][1] + max(pauses, default=0), len(anybody))
    spoken = np.flatnonzero(anybody[spans[-1][1] : end])
    end = spans[-1][1] + int(spoken[0]) if len(spoken) else end
    return [Signal(kind, channel, spans[0][0], end, spans)]


def _kind(cadence: Sequence[Burst]) -> str | None:
    """The signal that these bursts are, by their frequencies and their cadence."""
    lengths = [burst.last - burst.first for burst in cadence]
    pauses = _pauses(cadence)
    tone, usual, longest = cadence[0], median(np.array(lengths)), max(pauses, default=0)
    if tone.within(_FAX_CALLING) and len(cadence) > 1 and usual < 80 and longest > 200:
        return FAX
    if tone.within(_FAX_ANSWERING) and max(lengths) >= 200:
        return FAX
    if not tone.within(_PROGRESS_BAND):
        return None
    if _is_dial(tone, max(lengths)):
        return DIAL
    if longest >= _WAITING_PAUSE and max(lengths) <= _WAITING_BURST and len(tone.hertz) == 1:
        return CALL_WAITING
    if longest >= _RINGING_PAUSE or len(cadence) == 1:
        return RINGING if _rings(tone, max(lengths), len(cadence)) else None
    if len(cadence) < _BURSTS_OF_BUSY or min(pauses) < _SHORTEST_PAUSE:
        return None
    inner = lengths[1:-1] or lengths
    if max(inner) - min(inner) > 15:
        return None
    return REORDER if usual <= _REORDER_BURST else BUSY if usual <= _BUSY_BURST else None


def _is_dial(tone: Burst, longest: int) -> bool:
    """It goes on and on; a note may last as well, so that one frequency alone must last longer."""
    if len(tone.hertz) == 1:
        return tone.within(_RINGING_BAND) and longest >= _DIAL_OF_ONE_FREQUENCY
    return tone.hertz[0] < _RINGING_BAND[0] and longest >= _DIAL


def _rings(tone: Burst, longest: int, bursts: int) -> bool:
    """One burst alone is believed only with the two frequencies of ringing in North America."""
    sure = bursts > 1 or (len(tone.hertz) == 2 and longest >= 80)
    return tone.within(_RINGING_BAND) and longest <= _LONGEST_RING and sure


def _pauses(cadence: Sequence[Burst]) -> list[int]:
    return [after.first - before.last for before, after in pairwise(cadence)]


def _special(bursts: Sequence[Burst], channel: int) -> list[Signal]:
    """Each series of three rising tones before an announcement.

    A spectrum on the edge of two of them shows both and is left out.
    """
    single = [burst for burst in bursts if len(burst.hertz) == 1]
    return [
        Signal(SPECIAL, channel, series[0].first, series[-1].last, _spans(series))
        for series in zip(single, single[1:], single[2:], strict=False)
        if all(one.within(band) for one, band in zip(series, _SPECIAL_BANDS, strict=True))
        and max(_pauses(series)) <= _SPECIAL_GAP
    ]


def _spans(bursts: Sequence[Burst]) -> tuple[tuple[int, int], ...]:
    return tuple((burst.first, burst.last) for burst in bursts)


def sounding(found: Sequence[Signal], channel: int, frames: int) -> Mask:
    """The frames in which a call progress tone sounds on this channel."""
    return runs.mask(
        [span for one in found if one.channel == channel for span in one.bursts], frames
    )


def lasting(found: Sequence[Signal], frames: int) -> Mask:
    """The frames from a call progress tone's first burst to the end of its last pause."""
    return runs.mask([(one.first, one.last) for one in found], frames)
