"""Several recordings as one WAV file, put together while it is read.

Parts of one format are laid end to end untouched; otherwise each is converted to 16-bit PCM of the
highest rate and channel count among them. Lengths are exact beforehand (spec/protocol 8).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from addon.audio.seeking import Index
from addon.audio.wav import Layout
from addon.audio.wav_format import PLAIN, Format, header
from addon.playback.segments import Decoded, Open, Segment, Silence, Stored, pcm16

Gaps = Literal["none", "silence"]

MAX_GAP_S = 3600.0
"""A longer pause between two parts is no pause of the call but a clock that was wrong."""


@dataclass(frozen=True)
class Part:
    """One recording to join. `layout` is None for what is no WAV file, `etag` its content's.

    `at` orders the parts; only the difference of two `started_at` is a pause.
    """

    open: Open
    etag: str
    index: Index
    layout: Layout | None
    at: datetime
    started_at: datetime | None

    @property
    def stored(self) -> Format | None:
        """The format of samples that can be laid end to end as they lie in the archive."""
        if self.layout is None or not self.layout.uniform:
            return None
        kind = self.layout.format
        return None if kind.tag not in PLAIN or kind.big_endian else kind


@dataclass(frozen=True)
class WaveSound:
    """A WAV file of segments, behind a header of our own."""

    kind: Format
    segments: Sequence[Segment]
    etag: str
    format: str = "wav"

    @cached_property
    def length(self) -> int:
        """Bytes, the header included."""
        return len(self._header) + sum(segment.length for segment in self.segments)

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """See Sound.read; only the segments between the two are opened."""
        if start < len(self._header):
            yield self._header[start:stop]
        begin = len(self._header)
        for segment in self.segments:
            first, last = max(start - begin, 0), min(stop - begin, segment.length)
            if first < last:
                yield from segment.read(first, last)
            begin += segment.length

    @cached_property
    def _header(self) -> bytes:
        return header(self.kind, sum(segment.length for segment in self.segments))


def converted(part: Part) -> WaveSound:
    """One recording that browsers do not play, or not whole: its samples behind a header of ours.

    Samples that browsers play stay as they are; all others become 16-bit PCM.
    """
    kind = part.stored
    if kind is not None:
        return WaveSound(kind, _stored(part), _etag([part], "laid out"))
    kind = pcm16(part.index.rate, part.index.channels)
    return WaveSound(kind, [Decoded(part.open, part.index, kind)], _etag([part], "converted"))


def _stored(part: Part) -> list[Segment]:
    regions = part.layout.regions if part.layout else ()
    return [Stored(part.open, region) for region in regions]


def joined(parts: Sequence[Part], gaps: Gaps) -> WaveSound:
    """All parts, in the order given."""
    kind = _common_format(parts)
    target = kind or pcm16(
        max(part.index.rate for part in parts), max(part.index.channels for part in parts)
    )
    segments: list[Segment] = []
    for before, part in zip([None, *parts], parts, strict=False):
        if gaps == "silence" and before is not None:
            segments.append(_pause(before, part, target))
        if kind is not None:
            segments += _stored(part)
        else:
            segments.append(Decoded(part.open, part.index, target))
    return WaveSound(target, segments, _etag(parts, f"joined, gaps {gaps}"))


def _common_format(parts: Sequence[Part]) -> Format | None:
    """The format of all parts where it is one that can be laid end to end."""
    kinds = {part.stored for part in parts}
    kind = kinds.pop()
    return None if kinds else kind


def _pause(before: Part, part: Part, kind: Format) -> Silence:
    """The time between two parts, as far as it is known."""
    seconds = 0.0
    if before.started_at is not None and part.started_at is not None:
        between = (part.started_at - before.started_at).total_seconds()
        seconds = between - before.index.seconds
    if not 0 < seconds <= MAX_GAP_S:
        seconds = 0.0
    return Silence(round(seconds * kind.rate) * kind.frame, kind.silence)


def _etag(parts: Sequence[Part], how: str) -> str:
    """Follows from the contents and what is made of them."""
    told = "\n".join([how, *(f"{part.etag} {part.started_at}" for part in parts)])
    return hashlib.sha256(told.encode()).hexdigest()[:32]
