"""The frame of a WAV file: where its samples lie, and the header for samples of our own.

Only what playback needs, over bytes that are read where they are wanted; a file that is laid out in
no usual way gives None and is left to a decoder. Nothing here looks at a sample.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

PCM, ADPCM_MS, FLOAT, A_LAW, MU_LAW, ADPCM_IMA, GSM = 1, 2, 3, 6, 7, 0x11, 0x31
EXTENSIBLE = 0xFFFE

UNPLAYABLE = frozenset({ADPCM_MS, ADPCM_IMA, GSM})
"""Format tags that browsers do not play; they play all others of telephony (audio 6)."""

PLAIN = frozenset({PCM, FLOAT, A_LAW, MU_LAW})
"""Format tags whose samples can be cut anywhere and laid end to end."""

MAX_CHUNKS = 64
"""Real files have three to ten; a longer chain is no recording."""

HEAD = 4096
"""Read at once: nearly every header ends within a hundred bytes."""

_STREAMED = frozenset({0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0xFFFFF000})
"""Data lengths that writers leave who cannot seek back: the samples go on to the end."""

_UNKNOWN_LENGTH = 0xFFFFFFFF


class Format(NamedTuple):
    """Kind of samples: format tag, channels, samples a second, bits a sample."""

    tag: int
    channels: int
    rate: int
    bits: int

    @property
    def frame(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * self.bits // 8

    @property
    def silence(self) -> bytes:
        """The byte that silence is made of."""
        if self.tag == PCM and self.bits == 8:
            return b"\x80"
        return {A_LAW: b"\xd5", MU_LAW: b"\xff"}.get(self.tag, b"\x00")


class Wave(NamedTuple):
    """A WAV file's layout: its samples are `length` bytes from `start`, in whole frames."""

    format: Format
    start: int
    length: int


def parse_wave(read: Callable[[int, int], bytes], size: int) -> Wave | None:
    """The layout of a file of `size` bytes, None where it is no usual WAV file.

    `read(start, stop)` gives its bytes; what it raises passes through.
    """
    head = read(0, min(HEAD, size))
    if head[:4] not in (b"RIFF", b"RF64") or head[8:12] != b"WAVE":
        return None

    def at(start: int, count: int) -> bytes:
        if start + count <= len(head):
            return head[start : start + count]
        return read(start, min(start + count, size)) if start < size else b""

    found: Format | None = None
    place = 12
    for _ in range(MAX_CHUNKS):
        chunk = at(place, 8)
        if len(chunk) < 8:
            return None
        name, length = struct.unpack("<4sI", chunk)
        if name == b"fmt ":
            found = _format(at(place + 8, min(length, 40)))
        elif name == b"data":
            return _wave(found, place + 8, length, size)
        place += 8 + length + length % 2
    return None


def header(kind: Format, length: int) -> bytes:
    """A WAV file's bytes up to the first of `length` bytes of samples.

    More than RIFF can count is announced as a stream that goes on to the end.
    """
    fmt = struct.pack(
        "<HHIIHH", kind.tag, kind.channels, kind.rate, kind.rate * kind.frame, kind.frame, kind.bits
    )
    chunks = _chunk(b"fmt ", fmt)
    if kind.tag != PCM:
        frames = min(length // max(kind.frame, 1), _UNKNOWN_LENGTH)
        chunks = _chunk(b"fmt ", fmt + b"\0\0") + _chunk(b"fact", struct.pack("<I", frames))
    size = 4 + len(chunks) + 8 + length
    if size > _UNKNOWN_LENGTH:
        size = length = _UNKNOWN_LENGTH
    riff = struct.pack("<4sI4s", b"RIFF", size, b"WAVE")
    return riff + chunks + struct.pack("<4sI", b"data", length)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content


def _format(content: bytes) -> Format | None:
    if len(content) < 16:
        return None
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", content)
    if tag == EXTENSIBLE and len(content) >= 26:
        (tag,) = struct.unpack_from("<H", content, 24)
    return Format(tag, channels, rate, bits)


def _wave(kind: Format | None, start: int, length: int, size: int) -> Wave | None:
    if kind is None or not kind.channels or not kind.rate:
        return None
    left = size - start
    length = left if length in _STREAMED else min(length, left)
    if kind.tag in PLAIN:
        if kind.bits % 8 or not kind.frame:
            return None
        length -= length % kind.frame
    return Wave(kind, start, length)
