"""The common terms of all readers of files: limits, codec, packet, and a window on the file.

A reader cuts a file into packets without decoding them. Each packet tells how many frames it holds,
so that the length of a recording and the place of any moment are known before anything is decoded.
A frame is one sample of every channel.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

MAX_CHANNELS = 8
"""More is a damaged header: telephone recordings have one or two channels."""

MIN_RATE_HZ, MAX_RATE_HZ = 2_000, 384_000

MAX_SECONDS = 24 * 3600
"""Twilio ends a call after 24 hours. A few kilobytes of FLAC can hold days of silence, and a header
that was never written announces weeks."""

WINDOW_BYTES = 1 << 18
"""Read from the file at once."""

PLAIN = "plain"
"""The name of a codec whose samples are read by an Encoding of our own, its `parameters`."""


class Codec(NamedTuple):
    """A decoder and its parameters; equal codecs can share one decoder.

    `name` is FFmpeg's or PLAIN, `label` the one that is reported; `options` are FFmpeg's, by name.
    `heard` is the rate at which the recording was made, where the decoder gives another one.
    """

    name: str
    label: str
    rate: int
    channels: int
    extradata: bytes = b""
    options: tuple[tuple[str, str], ...] = ()
    parameters: Any = None
    heard: int = 0


class Fault(NamedTuple):
    """Something that is wrong with a file: a flag of the report, and a sentence.

    `flag` None is a remark. `hides_audio` tells that something which may be audio was not decoded.
    """

    flag: str | None
    sentence: str
    hides_audio: bool = True


class Packet(NamedTuple):
    """One packet of a codec; without `data` it only carries a silence or a fault.

    `frames` counts what the packet holds at `codec.rate`, None where only decoding tells. Of those,
    `skip` at the beginning and `drop` at the end are not part of the recording. `silence` frames
    come before it, in place of audio that is lost. With `resume` reading can begin again at
    this packet. `fresh` tells that the decoder must forget what came before.
    """

    data: Any
    codec: Codec
    frames: int | None
    resume: Any
    skip: int = 0
    drop: int = 0
    silence: int = 0
    fresh: bool = False
    fault: Fault | None = None


def fault_packet(codec: Codec, fault: Fault, resume: Any = None) -> Packet:
    """A packet that carries only a fault."""
    return Packet(None, codec, 0, resume, fault=fault)


class PacketReader(ABC):
    """A file cut into packets. `preroll` packets before one settle a decoder that begins there.

    `preroll` 0: each packet can be decoded without those before it.
    """

    preroll: int

    @abstractmethod
    def packets(self, resume: Any = None) -> Iterator[Packet]:
        """The packets from the beginning, or from the `resume` of an earlier packet."""

    def plan(self) -> Iterator[Packet]:
        """The packets from the beginning; with empty data where their lengths need no reading."""
        return self.packets()


class Window:
    """The bytes of a file, or of some regions of it laid end to end, read in large blocks.

    Positions count from the first byte of the first region. Walking forward reads every byte once.
    """

    def __init__(self, file: BinaryIO, regions: Sequence[tuple[int, int]] | None = None) -> None:
        self._file = file
        if regions is None:
            regions = [(0, file.seek(0, 2))]
        self._regions = regions
        self.size = sum(stop - start for start, stop in regions)
        self._held = b""
        self._start = 0

    def cut(self, size: int) -> Window:
        """This window, from now on with an earlier end."""
        self.size = size
        return self

    def read(self, position: int, count: int) -> bytes:
        """Up to `count` bytes from `position`; fewer only at the end of the file."""
        count = min(count, self.size - position)
        begin = position - self._start
        if begin < 0 or begin + count > len(self._held):
            self._load(position, count)
            begin = position - self._start
        return self._held[begin : begin + max(count, 0)]

    def find(self, wanted: bytes, position: int, stop: int | None = None) -> int:
        """Where `wanted` first begins in [position, stop), -1 if nowhere."""
        stop = self.size if stop is None else min(stop, self.size)
        while position < stop:
            if not self._start <= position < self._start + len(self._held) - len(wanted):
                self._load(position, WINDOW_BYTES)
            end = stop - self._start + len(wanted) - 1
            found = self._held.find(wanted, position - self._start, end)
            if found >= 0:
                return self._start + found
            position = max(self._start + len(self._held) - len(wanted) + 1, position + 1)
        return -1

    def _load(self, position: int, count: int) -> None:
        end = min(position + max(count, WINDOW_BYTES), self.size)
        keep = self._held[position - self._start :] if position >= self._start else b""
        have = position + len(keep)
        self._held = keep + self._fetch(have, end) if have < end else keep
        self._start = position

    def _fetch(self, start: int, stop: int) -> bytes:
        parts, before = [], 0
        for first, last in self._regions:
            begin, end = max(start - before, 0), min(stop - before, last - first)
            if begin < end:
                self._file.seek(first + begin)
                parts.append(_read_fully(self._file, end - begin))
            before += last - first
        return b"".join(parts)


def _read_fully(file: BinaryIO, count: int) -> bytes:
    parts = []
    while count and (block := file.read(count)):
        parts.append(block)
        count -= len(block)
    return b"".join(parts)
