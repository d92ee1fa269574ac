"""Any range of a recording's samples, at a cost that does not grow with its position.

An index divides the recording into cells of some seconds. In each the decoder begins anew, some
packets before the cell, whose samples are thrown away. It is so in whole reads and in ranges alike,
and so any range is the same, bit for bit, as in the whole. The reasons are in
docs/decisions/0502-any-range-is-decoded-by-cells.md.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from addon.audio.decoders import BrokenPacket, Decode, Floats, decoder_of
from addon.audio.decoding import Decoder, Decoding, batched, checked_length
from addon.audio.packets import Codec, Packet

CELL_SECONDS = 20
"""A seek decodes half a cell more than it must: 10 ms for MP3; pre-roll adds some per cent."""


class Cell(NamedTuple):
    """A stretch that is decoded by itself: its first frame, where reading begins (`resume`, None:
    the beginning of the file), and the frames decoded from there that come before the cell."""

    first: int
    resume: Any
    lead: int


class Index(NamedTuple):
    """A recording's shape, codec as reported, and cells. `frames` is the exact length."""

    rate: int
    channels: int
    frames: int
    codec: str
    cells: tuple[Cell, ...]

    @property
    def seconds(self) -> float:
        """Seconds for which it plays."""
        return self.frames / self.rate


def index_of(decoder: Decoder) -> Index:
    """The index of a recording, from one pass over its packets, without decoding where they tell.

    Raises UnreadableAudio where it is too long, and what the file raises.
    """
    cells: list[Cell] = []
    before: deque[tuple[Any, float]] = deque(maxlen=decoder.reader.preroll)
    length, position = CELL_SECONDS * decoder.rate, 0.0
    for packet in _counted(decoder.reader.plan()):
        ratio = decoder.rate / packet.codec.rate
        if packet.silence or packet.fresh:
            before.clear()
        position += packet.silence * ratio
        if packet.data is None:
            continue
        frames = (packet.frames or 0) - packet.skip - packet.drop
        if not cells or packet.fresh or position - cells[-1].first >= length:
            cells.append(_cell(round(position), packet, before, first=not cells))
        position += frames * ratio
        checked_length(position, decoder.rate)
        before.append((packet.resume, frames * ratio))
    shape = (decoder.rate, decoder.channels, round(position), decoder.codec)
    return Index(*shape, tuple(cells))


def _cell(at: int, packet: Packet, before: deque[tuple[Any, float]], *, first: bool) -> Cell:
    if first:
        return Cell(0, None, 0)
    if not before:
        return Cell(at, packet.resume, 0)
    frames = [count for _, count in before]
    # After a restart Vorbis gives nothing for the first packet: its half is missing.
    lead = sum(frames[1:] if packet.codec.name == "vorbis" else frames)
    return Cell(at, before[0][0], round(lead))


def samples(decoder: Decoder, index: Index, first: int, last: int) -> Iterator[Floats]:
    """The frames from `first` up to, not including, `last`, (channels, frames), in blocks.

    What is missing is silence. Raises what the file raises.
    """
    yield from batched(_ranged(decoder, index, first, min(last, index.frames)))


def _ranged(decoder: Decoder, index: Index, first: int, last: int) -> Iterator[Floats]:
    number = max(bisect_right(index.cells, first, key=lambda cell: cell.first) - 1, 0)
    while first < last:
        end = index.cells[number + 1].first if number + 1 < len(index.cells) else index.frames
        cell = index.cells[number]
        for block in _cut(decoder, cell, first - cell.first, min(last, end) - cell.first):
            first += block.shape[1]
            yield block
        number += 1


def _cut(decoder: Decoder, cell: Cell, first: int, last: int) -> Iterator[Floats]:
    """Frames `first` to `last` of a cell."""
    at, first, last = 0, first + cell.lead, last + cell.lead
    if first >= last:
        return
    for block in Decoding(decoder, decoder.reader.packets(cell.resume)).runs():
        kept = block[:, max(first - at, 0) : max(last - at, 0)]
        at += block.shape[1]
        if kept.shape[1]:
            yield kept
        if at >= last:
            return
    yield np.zeros((decoder.channels, last - max(at, first)), np.float32)


def _counted(packets: Iterator[Packet]) -> Iterator[Packet]:
    """The packets, each with the frames that it holds: decoded where nothing else tells."""
    decode: Decode | None = None
    codec: Codec | None = None
    for packet in packets:
        if packet.frames is None and packet.data is not None:
            if packet.fresh or packet.codec != codec or decode is None:
                codec, decode = packet.codec, decoder_of(packet.codec)
            try:
                runs = decode(packet.data)
            except BrokenPacket:
                runs = []
            held = sum(run.samples.shape[1] * packet.codec.rate / run.rate for run in runs)
            packet = packet._replace(frames=round(held))
        yield packet
