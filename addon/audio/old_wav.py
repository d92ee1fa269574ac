"""A WAV file's header, read tolerantly while it arrives: what the samples are and where they lie.

Telephone systems write headers with zero, streamed or wrong lengths and chunks without their
padding. Each is read for what it means; what cannot be is an UnreadableAudio with its reason, and
nothing is ever taken for an empty recording.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from addon.audio.encodings import ENCODINGS, Encoding
from addon.errors import UnreadableAudio

#: Everything before the samples; real headers have some hundred bytes.
MAX_HEADER_BYTES = 1 << 20
#: More is a damaged header: telephone recordings have one or two channels.
MAX_CHANNELS = 8
MIN_RATE_HZ, MAX_RATE_HZ = 2_000, 384_000

_EXTENSIBLE = 0xFFFE
#: Lengths that writers leave in place when they could not seek back (ffmpeg, sox, Asterisk).
_STREAMED = frozenset({0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0xFFFFF000})


@dataclass(frozen=True)
class Wave:
    """A header's content. `encoding` is None for kinds that need a decoder.

    `data_length` is in bytes; None means that the samples go on to the end of the file.
    `riff_end` is the offset at which the file says it ends, 0 where it says nothing.
    """

    encoding: Encoding | None
    tag: int
    channels: int
    rate: int
    block_align: int
    data_start: int
    data_length: int | None
    riff_end: int


def parse(head: bytes | bytearray) -> Wave | None:
    """The header at the start of `head`, or None while more bytes are needed.

    Raises UnreadableAudio for a header that no tolerance explains.
    """
    try:
        return _Walk(head).header()
    except _NeedMore:
        if len(head) >= MAX_HEADER_BYTES:
            raise UnreadableAudio("The WAV header never comes to its samples") from None
        return None


class _NeedMore(Exception):
    """Control flow inside this module only."""


class _Walk:
    """One walk over the chunks, from the beginning each time: headers are short."""

    def __init__(self, head: bytes | bytearray) -> None:
        self._head = bytes(head[: MAX_HEADER_BYTES + 8])
        self._format: bytes | None = None
        self._long_length: int | None = None

    def header(self) -> Wave:
        """Up to the samples. Raises UnreadableAudio, and _NeedMore where the head ends."""
        at = 12
        while True:
            name, length = self._chunk(at)
            if not is_chunk_name(name):
                at = self._resynchronise(at)
                continue
            if name == b"data" and self._format is not None:
                return self._wave(at + 8, length)
            self._remember(name, at + 8, length)
            at = self._next(at, length)

    def _chunk(self, at: int) -> tuple[bytes, int]:
        if at + 8 > len(self._head):
            raise _NeedMore
        name, length = struct.unpack_from("<4sI", self._head, at)
        return name, length

    def _remember(self, name: bytes, body: int, length: int) -> None:
        if name == b"data":
            raise UnreadableAudio("The WAV file's samples come before their format")
        if name not in (b"fmt ", b"ds64"):
            return
        content = self._head[body : body + min(length, 64)]
        if len(content) < min(length, 64):
            raise _NeedMore
        if name == b"fmt ":
            if length < 14:
                raise UnreadableAudio("The WAV file's format chunk is too short")
            self._format = content
        elif len(content) >= 16:
            self._long_length = struct.unpack_from("<Q", content, 8)[0]

    def _next(self, at: int, length: int) -> int:
        """Where the next chunk begins; an absurd length is looked past, not believed."""
        if length > MAX_HEADER_BYTES:
            return self._resynchronise(at + 8)
        after = at + 8 + length
        name = self._head[after : after + 4]
        if length % 2 and not (name in _KNOWN and len(name) == 4):
            after += 1
        return after

    def _resynchronise(self, at: int) -> int:
        """The next place that looks like one of the chunks that matter."""
        wanted = b"data" if self._format is not None else b"fmt "
        found = self._head.find(wanted, at)
        if found < 0:
            found = self._head.find(wanted, 12, at)
        if found < 0:
            raise _NeedMore
        return found

    def _wave(self, data_start: int, length: int) -> Wave:
        tag, channels, rate, _, align, bits = _format_fields(self._format or b"")
        if not 1 <= channels <= MAX_CHANNELS:
            raise UnreadableAudio(f"The WAV header gives {channels} channels")
        if not MIN_RATE_HZ <= rate <= MAX_RATE_HZ:
            raise UnreadableAudio(f"The WAV header gives a rate of {rate} Hz")
        encoding = ENCODINGS.get((tag, bits // 8))
        if encoding is not None:
            align = encoding.width * channels
        size = struct.unpack_from("<I", self._head, 4)[0]
        if length == 0xFFFFFFFF and self._long_length:
            length = self._long_length
        streamed = length in _STREAMED
        riff_end = 0 if size in _STREAMED else size + 8
        return Wave(
            encoding, tag, channels, rate, align, data_start,
            None if streamed else length, riff_end,
        )  # fmt: skip


_KNOWN = frozenset(
    {b"data", b"fmt ", b"LIST", b"fact", b"JUNK", b"bext", b"cue ", b"id3 ", b"PEAK"}
)


def is_chunk_name(name: bytes) -> bool:
    """Whether these four bytes can be a chunk's name at all: printable ASCII."""
    return len(name) == 4 and all(32 <= byte < 127 for byte in name)


def _format_fields(content: bytes) -> tuple[int, int, int, int, int, int]:
    """Tag, channels, rate, bytes a second, block align, bits; the subformat's tag if extensible."""
    tag, channels, rate, flow, align, bits = struct.unpack_from("<HHIIHH", content.ljust(16, b"\0"))
    if tag == _EXTENSIBLE and len(content) >= 26:
        tag = struct.unpack_from("<H", content, 24)[0]
    if tag in (6, 7):
        bits = 8
    return tag, channels, rate, flow, align, bits
