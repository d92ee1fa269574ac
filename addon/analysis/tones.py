"""Key tones (DTMF) on the line: when a key was pressed, never which.

Less is needed to mute than to count, for a false mute costs a fraction of a second and a false
count costs trust. Counted are presses that are certain by themselves, by a certain one within three
seconds, or as part of a regular row. Muted is whatever else might be read as a key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from addon.analysis import key_presses
from addon.analysis.dtmf import HOP, PAIR, RATE_HZ, WINDOW, ToneWindow, pairs, tone_windows
from addon.analysis.key_presses import Certainty, KeyPress
from addon.analysis.timeline import Interval
from addon.audio.decoders import Floats

__all__ = ["HOP", "RATE_HZ", "Tone", "ToneDetector"]

#: In windows: the longest press that is followed as one, the gap between two windows at it, and the
#: silence within it that a bouncing key or a lost packet of 20 ms leaves.
_MAX_WINDOWS, _MAX_GAP, _BOUNCE = 2000, 5, 7
#: Windows around a certain press, and a possible one, in which faint ones are muted: 3 s, 1 s.
_NEAR, _BESIDE = 600, 200
#: Seconds after the end of a press within which it is decided: the next one may come 3 s later and
#: be followed for 10 s.
_DECIDED = (_NEAR + _MAX_WINDOWS) * HOP / RATE_HZ
#: Share of the energy above 300 Hz from which a faint press beside a possible one is muted.
_FAINT_WIDE = 0.4
#: Windows in which possible presses are remembered as members of a row: 10 s.
_IN_ROW = 2000
#: A press that begins this soon is cut by the beginning of the recording.
_CUT_SECONDS = 0.02
#: Silence put before the first sample, so that a tone that the file cuts has an edge as well.
_LEAD = WINDOW - HOP


@dataclass(frozen=True)
class Tone:
    """One key press on one channel, in seconds. Which key it was is never kept."""

    channel: int
    start: float
    stop: float

    @property
    def interval(self) -> Interval:
        """Its start and end."""
        return round(self.start, 3), round(self.stop, 3)


class ToneDetector:
    """Finds the key tones of all channels, block after block at 8 kHz."""

    def __init__(self, channels: int) -> None:
        self._lines = [_Line(channel) for channel in range(channels)]

    def add(self, samples: Floats) -> None:
        """Search (channels, n * HOP) more samples, full scale 1.0."""
        for line, row in zip(self._lines, samples, strict=True):
            line.add(row)

    def finish(self) -> None:
        """The recording is complete."""
        for line in self._lines:
            line.finish()

    @property
    def found(self) -> list[Tone]:
        """Every key press that counts so far, channel by channel in order of time."""
        return [tone for line in self._lines for tone in line.counted]

    def muted(self, since: float = 0.0) -> list[Interval]:
        """Every stretch that might be read as a key and ends at `since` or later; in no order."""
        return [interval for line in self._lines for interval in line.muted(since)]

    @property
    def settled(self) -> float:
        """Seconds before which `muted` does not change any more."""
        return min(line.settled for line in self._lines)


class _Line:
    """One channel: the presses heard on it, and which of them are believed."""

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._carried = np.zeros(_LEAD, np.float32)
        self._windows = 0
        self._open: list[ToneWindow] = []
        #: Presses that a later one can still decide about, or that may be of a row with it.
        self._recent: list[KeyPress] = []
        self._counted: list[KeyPress] = []
        #: In the order in which they were decided, and each ends at most _DECIDED before that.
        self._muted: list[Interval] = []
        #: The last press that others are believed by, and the window up to which they are beside a
        #: possible one.
        self._certain: KeyPress | None = None
        self._possible_until = -1

    @property
    def settled(self) -> float:
        """Seconds before which no press can be muted any more."""
        pending = [press.first for press in self._recent if not press.muted]
        if self._open:
            pending.append(self._open[0].at)
        # A muted press reaches half a window further than its first window's middle.
        return max(_seconds(min([self._windows, *pending]) - 0.5), 0.0)

    @property
    def counted(self) -> list[Tone]:
        """The presses that count; one that was followed in pieces is one."""
        joined: list[KeyPress] = []
        for press in sorted(self._counted, key=lambda press: press.first):
            last = joined[-1] if joined else None
            if last and last.key == press.key and press.start - last.stop <= _BOUNCE:
                joined[-1] = last.joined(press)
            else:
                joined.append(press)
        return [self._tone(press.start, press.stop) for press in joined]

    def muted(self, since: float) -> Iterator[Interval]:
        """The stretches to mute, first to last window that shows a key; newest first."""
        for interval in reversed(self._muted):
            if interval[1] < since - _DECIDED:
                return
            if interval[1] >= since:
                yield interval

    def add(self, samples: Floats) -> None:
        """Hear the next samples, in blocks of any length."""
        row = np.concatenate([self._carried, samples])
        for window in tone_windows(row):
            self._see(window._replace(at=window.at + self._windows))
        count = pairs(len(row))
        self._windows += 2 * count
        self._carried = row[2 * HOP * count :]
        if self._open and self._windows - self._open[-1].at > _MAX_GAP:
            self._close()
        self._forget(self._open[0].at if self._open else self._windows)

    def finish(self) -> None:
        """The line ends: what the end cuts off is a press as well."""
        self.add(np.zeros(PAIR, np.float32))
        self._close(cut=True)

    def _see(self, window: ToneWindow) -> None:
        if self._open:
            first, last = self._open[0], self._open[-1]
            if (
                window.key != last.key
                or window.at - last.at > _MAX_GAP
                or window.at - first.at >= _MAX_WINDOWS
            ):
                self._close()
        self._open.append(window)

    def _close(self, *, cut: bool = False) -> None:
        seen, self._open = self._open, []
        if not seen:
            return
        cut = cut or _seconds(seen[0].at) < _CUT_SECONDS
        press, parts = key_presses.judged(seen, cut=cut), _parts(seen)
        if press.certainty is Certainty.FAINT and len(parts) > 1:
            for part in parts:
                self._judge(key_presses.judged(part, cut=cut))
        else:
            self._judge(press)

    def _judge(self, press: KeyPress) -> None:
        """Mute and count this press and those before it that it makes believable."""
        self._forget(press.first)
        self._recent.append(press)
        possible = [other for other in self._recent if other.certainty is Certainty.POSSIBLE]
        row = possible[-key_presses.ROW :] if press.certainty is Certainty.POSSIBLE else []
        if press.certainty is Certainty.CERTAIN or key_presses.is_row(row):
            self._certain = press
            for other in row:
                self._count(other)
            for other in self._recent:
                if press.first - other.last <= _NEAR:
                    self._believe(other, press)
        elif self._certain and press.first - self._certain.last <= _NEAR:
            self._believe(press, self._certain)
        elif press.certainty is Certainty.POSSIBLE:
            self._mute(press)
        self._mute_beside(press)

    def _believe(self, press: KeyPress, certain: KeyPress) -> None:
        """Mute a press near a certain one, and count it where it is of the same telephone."""
        if press.may_be_chance:
            return
        self._mute(press)
        if press.certainty is not Certainty.FAINT and key_presses.are_alike(press, certain):
            self._count(press)

    def _count(self, press: KeyPress) -> None:
        self._mute(press)
        if not press.counted:
            press.counted = True
            self._counted.append(press)

    def _mute_beside(self, press: KeyPress) -> None:
        """Mute what is faint beside a possible press, whichever of them came first."""
        before = self._recent[-2] if len(self._recent) > 1 else None
        if press.certainty is Certainty.POSSIBLE or (
            before and key_presses.are_pieces(before, press)
        ):
            self._possible_until = press.last + _BESIDE
            beside = [other for other in self._recent if press.first - other.last <= _BESIDE]
        else:
            beside = [press] if press.first <= self._possible_until else []
        for other in beside:
            if other.wide > _FAINT_WIDE:
                self._mute(other)

    def _mute(self, press: KeyPress) -> None:
        if not press.muted:
            press.muted = True
            self._muted.append(self._tone(press.first, press.last).interval)

    def _forget(self, now: int) -> None:
        """Let go of what no press from the window `now` on can change any more."""
        self._recent = [
            press
            for press in self._recent
            if now - press.last <= (_NEAR if press.certainty is Certainty.FAINT else _IN_ROW)
        ]

    def _tone(self, first: int, last: int) -> Tone:
        return Tone(self._channel, max(_seconds(first - 0.5), 0.0), _seconds(last + 0.5))


def _parts(seen: list[ToneWindow]) -> list[list[ToneWindow]]:
    """The windows parted where none is clear for long: what lies between may be chance."""
    parts, last_clear = [[seen[0]]], seen[0]
    for window in seen[1:]:
        if window.is_clear and last_clear.is_clear and window.at - last_clear.at > _MAX_GAP:
            parts.append([])
        parts[-1].append(window)
        last_clear = window if window.is_clear or not last_clear.is_clear else last_clear
    return parts


def _seconds(window: float) -> float:
    """The middle of a window."""
    return (window * HOP + WINDOW / 2 - _LEAD) / RATE_HZ
