"""Several recordings joined into one WAV file while it is read.

Parts of one format are put end to end unchanged; otherwise each is converted to 16-bit PCM of the
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
from addon.playback.playable import Readable
from addon.playback.sample_data import (
    DecodedSamples,
    Open,
    Silence,
    StoredSamples,
    pcm16,
)

Gaps = Literal["none", "silence"]

MAX_GAP_S = 3600.0
"""A longer pause between two parts is no pause of the call but a clock that was wrong."""


@dataclass(frozen=True)
class CallPart:
    """One recording to join. `layout` is None for what is no WAV file, `etag` its content's.

    `place` sorts the parts; only the difference of two `started_at` is a pause.
    """

    recording_id: str
    open: Open
    etag: str
    index: Index
    layout: Layout | None
    place: tuple[datetime, datetime, str]
    started_at: datetime | None

    @property
    def stored(self) -> Format | None:
        """The format of samples that can be laid end to end as they lie in the archive."""
        if self.layout is None or not self.layout.uniform:
            return None
        kind = self.layout.format
        return None if kind.tag not in PLAIN or kind.big_endian else kind


@dataclass(frozen=True)
class WavFile:
    """A WAV file put together from sample data, behind a new header."""

    kind: Format
    pieces: Sequence[Readable]
    etag: str
    format: str = "wav"

    @cached_property
    def length(self) -> int:
        """Bytes, the header included."""
        return len(self._header) + sum(piece.length for piece in self.pieces)

    @property
    def seconds(self) -> float:
        """The length of its samples."""
        return sum(piece.length for piece in self.pieces) / (self.kind.rate * self.kind.frame)

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """See Readable.read; only the segments between the two are opened."""
        if start < len(self._header):
            yield self._header[start:stop]
        begin = len(self._header)
        for piece in self.pieces:
            first, last = max(start - begin, 0), min(stop - begin, piece.length)
            if first < last:
                yield from piece.read(first, last)
            begin += piece.length

    @cached_property
    def _header(self) -> bytes:
        return header(self.kind, sum(piece.length for piece in self.pieces))


def converted(part: CallPart) -> WavFile:
    """One recording that browsers do not play, or not whole: its samples behind a header of ours.

    Samples that browsers play stay as they are; all others become 16-bit PCM.
    """
    kind = part.stored
    if kind is not None:
        return WavFile(kind, _stored(part), _etag([part], "laid out"))
    kind = pcm16(part.index.rate, part.index.channels)
    return WavFile(kind, [DecodedSamples(part.open, part.index, kind)], _etag([part], "converted"))


def _stored(part: CallPart) -> list[Readable]:
    regions = part.layout.regions if part.layout else ()
    return [StoredSamples(part.open, region) for region in regions]


def joined(parts: Sequence[CallPart], gaps: Gaps) -> WavFile:
    """All parts, in the order given."""
    target, laid = _laid_out(parts, gaps)
    pieces = [piece for pause, samples in laid for piece in (*pause, *samples)]
    return WavFile(target, pieces, _etag(parts, f"joined, gaps {gaps}"))


def stretches(parts: Sequence[CallPart], gaps: Gaps) -> list[tuple[float, float]]:
    """For each part the seconds at which it begins and ends in the joined file."""
    target, laid = _laid_out(parts, gaps)
    found, at = [], 0
    for pause, samples in laid:
        begin = at + sum(piece.length for piece in pause)
        at = begin + sum(piece.length for piece in samples)
        found.append((begin / (target.rate * target.frame), at / (target.rate * target.frame)))
    return found


def _laid_out(
    parts: Sequence[CallPart], gaps: Gaps
) -> tuple[Format, list[tuple[list[Readable], list[Readable]]]]:
    """The format of the whole, and for each part the pause before it and its samples."""
    kind = _common_format(parts)
    target = kind or pcm16(
        max(part.index.rate for part in parts), max(part.index.channels for part in parts)
    )
    laid: list[tuple[list[Readable], list[Readable]]] = []
    for before, part in zip([None, *parts], parts, strict=False):
        pause: list[Readable] = []
        if gaps == "silence" and before is not None:
            pause.append(_pause(before, part, target))
        if kind is not None:
            laid.append((pause, _stored(part)))
        else:
            laid.append((pause, [DecodedSamples(part.open, part.index, target)]))
    return target, laid


def _common_format(parts: Sequence[CallPart]) -> Format | None:
    """The format of all parts where it is one that can be laid end to end."""
    kinds = {part.stored for part in parts}
    kind = kinds.pop()
    return None if kinds else kind


def _pause(before: CallPart, part: CallPart, kind: Format) -> Silence:
    """The time between two parts, as far as it is known."""
    seconds = 0.0
    if before.started_at is not None and part.started_at is not None:
        between = (part.started_at - before.started_at).total_seconds()
        seconds = between - before.index.seconds
    if not 0 < seconds <= MAX_GAP_S:
        seconds = 0.0
    return Silence(round(seconds * kind.rate) * kind.frame, kind.silence)


def _etag(parts: Sequence[CallPart], how: str) -> str:
    """Follows from the contents and what is made of them."""
    told = "\n".join([how, *(f"{part.etag} {part.started_at}" for part in parts)])
    return hashlib.sha256(told.encode()).hexdigest()[:32]
