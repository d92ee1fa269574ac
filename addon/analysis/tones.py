"""Key tones (DTMF) on the line: when a key was pressed, never which.

A cheap screen looks at every 5 ms; only what might be a tone is measured closely. A clear tone is
believed at once, a doubtful one only within three seconds of a clear one: card numbers come in
rows, and a talker's voice must not be muted for a chance likeness (audio 4).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RATE_HZ = 8000
#: Samples between two looks (5 ms), and in each look (25 ms).
HOP, WINDOW = 40, 200
_SPAN = WINDOW // HOP
_LOW, _HIGH = (697.0, 770.0, 852.0, 941.0), (1209.0, 1336.0, 1477.0, 1633.0)
#: Telephones are off by up to 1.8 %: each frequency is sought at these factors.
_DETUNED = (0.988, 1.0, 1.012)

#: Shares of the energy in a look that the two tones must hold: to be looked at, doubtful, clear.
_SCREENED, _DOUBTFUL, _CLEAR = 0.08, 0.45, 0.75
#: Power of the strongest frequency of a group over the next one in it.
_PEAK_RATIO = 4.0
_MAX_TWIST_DB = 9.0
_MIN_DBFS = -42.0
#: In looks: the shortest tone, the longest that is followed as one, the gap of a bouncing key.
_MIN_LOOKS, _MAX_LOOKS, _BOUNCE = 3, 2000, 6
#: Looks around a clear tone in which doubtful ones are believed: 3 s.
_NEAR = 600
#: A look at this share of overlap with the tone is still doubtful: the tone's edge within it.
_EDGE = (1 - _DOUBTFUL) * WINDOW


@dataclass(frozen=True)
class Tone:
    """One key press on one channel, in seconds. Which key it was is never kept."""

    channel: int
    start: float
    stop: float

    @property
    def interval(self) -> tuple[float, float]:
        """Its start and end."""
        return round(self.start, 3), round(self.stop, 3)


class _Look(NamedTuple):
    at: int
    key: int
    clear: bool


@dataclass(frozen=True)
class _Press:
    """Successive looks at one key; `clear` counts the clear looks in a row, `surest` their most."""

    key: int
    first: int
    last: int
    clear: int = 0
    surest: int = 0

    def seen(self, look: _Look) -> _Press:
        clear = self.clear + 1 if look.clear else 0
        return replace(self, last=look.at, clear=clear, surest=max(self.surest, clear))


class ToneDetector:
    """Finds the key tones of all channels, block after block at 8 kHz."""

    def __init__(self, channels: int) -> None:
        self._lines = [_Line(channel) for channel in range(channels)]

    def add(self, samples: Floats) -> None:
        """Look at (channels, n * HOP) more samples, full scale 1.0."""
        for line, row in zip(self._lines, samples, strict=True):
            line.add(row)

    def finish(self) -> None:
        """The recording is complete."""
        for line in self._lines:
            line.finish()

    @property
    def found(self) -> list[Tone]:
        """Every key press so far, channel by channel in order of time."""
        return [tone for line in self._lines for tone in line.tones()]

    @property
    def settled(self) -> float:
        """Seconds before which no tone will be found any more."""
        return min(line.settled for line in self._lines) * HOP / RATE_HZ


class _Line:
    """One channel."""

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._carried = np.zeros(0, np.float32)
        self._looks = 0
        self._open: _Press | None = None
        self._doubtful: list[_Press] = []
        self._believed: list[_Press] = []
        self._last_clear: int | None = None

    @property
    def settled(self) -> int:
        """The look before which nothing can change."""
        pending = [press.first for press in self._doubtful]
        if self._open is not None:
            pending.append(self._open.first)
        return min([self._looks, *pending])

    def add(self, samples: Floats) -> None:
        """Hear the next samples, in blocks of any length."""
        row = np.concatenate([self._carried, samples])
        for look in _looks(row):
            self._see(look._replace(at=look.at + self._looks))
        count = max(len(row) // HOP - _SPAN + 1, 0)
        self._looks += count
        self._carried = row[count * HOP :]
        if self._open is not None and self._open.last < self._looks - 1:
            self._close()
        self._forget()

    def finish(self) -> None:
        self.add(np.zeros(WINDOW, np.float32))
        self._close()

    def tones(self) -> Iterator[Tone]:
        """The believed presses, a bouncing key's pieces as one."""
        pieces: list[_Press] = []
        for press in sorted(self._believed, key=lambda press: press.first):
            before = pieces[-1] if pieces else None
            gap = press.first - before.last - 1 if before else _BOUNCE
            # A look sees a tone that covers less than half of it: the gap seems shorter than it is.
            if before and before.key == press.key and gap + _EDGE_LOOKS < _BOUNCE:
                pieces[-1] = replace(before, last=press.last)
            else:
                pieces.append(press)
        for press in pieces:
            start = (press.first * HOP + _EDGE) / RATE_HZ
            stop = (press.last * HOP + WINDOW - _EDGE) / RATE_HZ
            yield Tone(self._channel, start, max(stop, start))

    def _see(self, look: _Look) -> None:
        held = self._open
        if held and (
            look.key != held.key or look.at != held.last + 1 or look.at - held.first >= _MAX_LOOKS
        ):
            self._close()
            held = None
        begun = held or _Press(look.key, look.at, look.at)
        self._open = begun.seen(look)

    def _close(self) -> None:
        press, self._open = self._open, None
        if press is None or press.last - press.first + 1 < _MIN_LOOKS:
            return
        if press.surest >= _MIN_LOOKS:
            near = [p for p in self._doubtful if press.first - p.last <= _NEAR]
            self._believed += [*near, press]
            self._doubtful = []
            self._last_clear = press.last
        elif self._last_clear is not None and press.first - self._last_clear <= _NEAR:
            self._believed.append(press)
        else:
            self._doubtful.append(press)

    def _forget(self) -> None:
        oldest = self._looks - _NEAR
        self._doubtful = [press for press in self._doubtful if press.last >= oldest]


_EDGE_LOOKS = int(2 * (_EDGE - WINDOW / 2) / HOP)


def _looks(row: Floats) -> Iterator[_Look]:
    """The looks into one channel's samples that show two tones."""
    count = len(row) // HOP - _SPAN + 1
    if count <= 0:
        return
    candidates = _screen(row[: (count + _SPAN - 1) * HOP].reshape(-1, HOP))
    if len(candidates):
        windows = np.lib.stride_tricks.sliding_window_view(row, WINDOW)[candidates * HOP]
        yield from _measure(candidates, np.ascontiguousarray(windows))


def _screen(hops: Floats) -> NDArray[np.intp]:
    """The looks loud enough and with enough energy at the eight frequencies to be measured."""
    parts = (hops @ _BASIS_HOP).view(np.complex64)
    count = len(hops) - _SPAN + 1
    tones = np.zeros((count, 8), np.complex64)
    for step in range(_SPAN):
        tones += parts[step : step + count] * _TURN[step]
    power = tones.real**2 + tones.imag**2
    energy = _sliding_sum(np.einsum("hs,hs->h", hops, hops))
    share = 2 / WINDOW * (power[:, :4].max(axis=1) + power[:, 4:].max(axis=1))
    loud = energy > WINDOW * 10 ** (_MIN_DBFS / 10)
    return np.flatnonzero(loud & (share > _SCREENED * energy))


def _measure(at: NDArray[np.intp], windows: Floats) -> Iterator[_Look]:
    """Those of the windows, (n, WINDOW), that hold one frequency of each group and little else."""
    parts = (windows @ _BASIS_WINDOW).view(np.complex64)
    power = (parts.real**2 + parts.imag**2).reshape(len(at), 8, len(_DETUNED)).max(axis=2)
    low, high = power[:, :4], power[:, 4:]
    strength = np.stack([low.max(axis=1), high.max(axis=1)], axis=1) + np.float32(1e-20)
    second = np.stack([np.partition(group, 2, axis=1)[:, 2] for group in (low, high)], axis=1)
    tone_energy = 2 / WINDOW * strength.sum(axis=1)
    share = tone_energy / np.einsum("ws,ws->w", windows, windows)
    twist = np.abs(10 * np.log10(strength[:, 0] / strength[:, 1]))
    good = (
        (share > _DOUBTFUL)
        & np.all(strength > _PEAK_RATIO * second, axis=1)
        & (twist < _MAX_TWIST_DB)
        & (tone_energy / WINDOW > 10 ** (_MIN_DBFS / 10))
    )
    keys = low.argmax(axis=1) * 4 + high.argmax(axis=1)
    for index in np.flatnonzero(good):
        yield _Look(int(at[index]), int(keys[index]), bool(share[index] > _CLEAR))


def _sliding_sum(energy: Floats) -> Floats:
    result: Floats = np.convolve(energy, np.ones(_SPAN, np.float32), "valid")
    return result


def _basis(frequencies: NDArray[np.float64], samples: int) -> Floats:
    """Cosine and sine columns side by side: one real product gives complex sums."""
    phase = 2 * np.pi * np.outer(np.arange(samples), frequencies) / RATE_HZ
    columns = np.exp(-1j * phase).astype(np.complex64)
    return np.ascontiguousarray(columns).view(np.float32)


_FREQUENCIES = np.array(_LOW + _HIGH)
_BASIS_HOP = _basis(_FREQUENCIES, HOP)
_BASIS_WINDOW = _basis(np.outer(_FREQUENCIES, _DETUNED).ravel(), WINDOW)
_TURN = np.exp(-2j * np.pi * np.outer(np.arange(_SPAN) * HOP, _FREQUENCIES) / RATE_HZ).astype(
    np.complex64
)
