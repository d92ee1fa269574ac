"""Key tones (DTMF) on the line: when a key was pressed, never which.

Less is needed to mute than to count, for a false mute costs a fraction of a second and a false
count costs trust. Counted are presses that are certain by themselves, by a certain one within three
seconds, or as part of a regular row. Muted is whatever else might be read as a key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from addon.analysis import presses
from addon.analysis.looks import HOP, PAIR, RATE_HZ, WINDOW, Floats, Look, looks, pairs
from addon.analysis.presses import Belief, Press
from addon.analysis.timeline import Interval

__all__ = ["HOP", "RATE_HZ", "Tone", "ToneDetector"]

#: In looks: the longest press that is followed as one, the gap between two looks at it, and the
#: silence within it that a bouncing key or a lost packet of 20 ms leaves.
_MAX_LOOKS, _MAX_GAP, _BOUNCE = 2000, 5, 7
#: Looks around a certain press, and around a possible one, in which faint ones are muted: 3 s, 1 s.
_NEAR, _BESIDE = 600, 200
#: Seconds after the end of a press within which it is decided: the next one may come 3 s later and
#: be followed for 10 s.
_DECIDED = (_NEAR + _MAX_LOOKS) * HOP / RATE_HZ
#: Share of the energy above 300 Hz from which a faint press beside a possible one is muted.
_FAINT_WIDE = 0.4
#: Looks in which possible presses are remembered as members of a row: 10 s.
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
        """Look at (channels, n * HOP) more samples, full scale 1.0."""
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
        self._looks = 0
        self._open: list[Look] = []
        #: Presses that a later one can still decide about, or that may be of a row with it.
        self._recent: list[Press] = []
        self._counted: list[Press] = []
        #: In the order in which they were decided, and each ends at most _DECIDED before that.
        self._muted: list[Interval] = []
        #: The last press that others are believed by, and the look up to which they are beside a
        #: possible one.
        self._certain: Press | None = None
        self._possible_until = -1

    @property
    def settled(self) -> float:
        """Seconds before which no press can be muted any more."""
        pending = [press.first for press in self._recent if not press.muted]
        if self._open:
            pending.append(self._open[0].at)
        # A muted press reaches half a look further than its first look's middle.
        return max(_seconds(min([self._looks, *pending]) - 0.5), 0.0)

    @property
    def counted(self) -> list[Tone]:
        """The presses that count; one that was followed in pieces is one."""
        joined: list[Press] = []
        for press in sorted(self._counted, key=lambda press: press.first):
            last = joined[-1] if joined else None
            if last and last.key == press.key and press.start - last.stop <= _BOUNCE:
                joined[-1] = last.joined(press)
            else:
                joined.append(press)
        return [self._tone(press.start, press.stop) for press in joined]

    def muted(self, since: float) -> Iterator[Interval]:
        """The stretches to mute, from the first look that shows a key to the last; newest first."""
        for interval in reversed(self._muted):
            if interval[1] < since - _DECIDED:
                return
            if interval[1] >= since:
                yield interval

    def add(self, samples: Floats) -> None:
        """Hear the next samples, in blocks of any length."""
        row = np.concatenate([self._carried, samples])
        for look in looks(row):
            self._see(look._replace(at=look.at + self._looks))
        count = pairs(len(row))
        self._looks += 2 * count
        self._carried = row[2 * HOP * count :]
        if self._open and self._looks - self._open[-1].at > _MAX_GAP:
            self._close()
        self._forget(self._open[0].at if self._open else self._looks)

    def finish(self) -> None:
        """The line ends: what the end cuts off is a press as well."""
        self.add(np.zeros(PAIR, np.float32))
        self._close(cut=True)

    def _see(self, look: Look) -> None:
        if self._open:
            first, last = self._open[0], self._open[-1]
            if (
                look.key != last.key
                or look.at - last.at > _MAX_GAP
                or look.at - first.at >= _MAX_LOOKS
            ):
                self._close()
        self._open.append(look)

    def _close(self, *, cut: bool = False) -> None:
        seen, self._open = self._open, []
        if not seen:
            return
        cut = cut or _seconds(seen[0].at) < _CUT_SECONDS
        press, parts = presses.of(seen, cut=cut), _parts(seen)
        if press.belief is Belief.FAINT and len(parts) > 1:
            for part in parts:
                self._judge(presses.of(part, cut=cut))
        else:
            self._judge(press)

    def _judge(self, press: Press) -> None:
        """Mute and count this press and those before it that it makes believable."""
        self._forget(press.first)
        self._recent.append(press)
        possible = [other for other in self._recent if other.belief is Belief.POSSIBLE]
        row = possible[-presses.ROW :] if press.belief is Belief.POSSIBLE else []
        if press.belief is Belief.CERTAIN or presses.is_row(row):
            self._certain = press
            for other in row:
                self._count(other)
            for other in self._recent:
                if press.first - other.last <= _NEAR:
                    self._believe(other, press)
        elif self._certain and press.first - self._certain.last <= _NEAR:
            self._believe(press, self._certain)
        elif press.belief is Belief.POSSIBLE:
            self._mute(press)
        self._mute_beside(press)

    def _believe(self, press: Press, certain: Press) -> None:
        """Mute a press near a certain one, and count it where it is of the same telephone."""
        if press.may_be_chance:
            return
        self._mute(press)
        if press.belief is not Belief.FAINT and presses.are_alike(press, certain):
            self._count(press)

    def _count(self, press: Press) -> None:
        self._mute(press)
        if not press.counted:
            press.counted = True
            self._counted.append(press)

    def _mute_beside(self, press: Press) -> None:
        """Mute what is faint beside a possible press, whichever of them came first."""
        before = self._recent[-2] if len(self._recent) > 1 else None
        if press.belief is Belief.POSSIBLE or (before and presses.are_pieces(before, press)):
            self._possible_until = press.last + _BESIDE
            beside = [other for other in self._recent if press.first - other.last <= _BESIDE]
        else:
            beside = [press] if press.first <= self._possible_until else []
        for other in beside:
            if other.wide > _FAINT_WIDE:
                self._mute(other)

    def _mute(self, press: Press) -> None:
        if not press.muted:
            press.muted = True
            self._muted.append(self._tone(press.first, press.last).interval)

    def _forget(self, now: int) -> None:
        """Let go of what no press from the look `now` on can change any more."""
        self._recent = [
            press
            for press in self._recent
            if now - press.last <= (_NEAR if press.belief is Belief.FAINT else _IN_ROW)
        ]

    def _tone(self, first: int, last: int) -> Tone:
        return Tone(self._channel, max(_seconds(first - 0.5), 0.0), _seconds(last + 0.5))


def _parts(seen: list[Look]) -> list[list[Look]]:
    """The looks parted where none is clear for long: what lies between may be chance."""
    parts, last_clear = [[seen[0]]], seen[0]
    for look in seen[1:]:
        if look.is_clear and last_clear.is_clear and look.at - last_clear.at > _MAX_GAP:
            parts.append([])
        parts[-1].append(look)
        last_clear = look if look.is_clear or not last_clear.is_clear else last_clear
    return parts


def _seconds(look: float) -> float:
    """The middle of a look."""
    return (look * HOP + WINDOW / 2 - _LEAD) / RATE_HZ
