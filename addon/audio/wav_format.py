"""The format of a WAV file's samples: its `fmt ` chunk read tolerantly, and headers of our own.

Format tags and fields as Microsoft's WAVEFORMATEX and WAVE_FORMAT_EXTENSIBLE define them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from addon.audio.encodings import Encoding, encoding_of
from addon.audio.packets import MAX_CHANNELS, MAX_RATE_HZ, MIN_RATE_HZ
from addon.errors import UnreadableAudio

PCM, ADPCM_MS, FLOAT, A_LAW, MU_LAW, ADPCM_IMA, GSM = 1, 2, 3, 6, 7, 0x11, 0x31
G726, MP2, MP3, G726_ITU, G722 = 0x45, 0x50, 0x55, 0x64, 0x28F
EXTENSIBLE = 0xFFFE

PLAIN = frozenset({PCM, FLOAT, A_LAW, MU_LAW})
"""Format tags whose samples can be cut at any frame and laid end to end."""

_UNKNOWN_LENGTH = 0xFFFFFFFF


@dataclass(frozen=True)
class Format:
    """Format of samples: format tag, channels, rate in Hz, bits a sample.

    `block_align` is the size of one frame, or of one block of a compressed kind, in bytes; 0 stands
    for the smallest that holds the samples. `block_samples` are the samples of one channel in a
    block of a compressed kind, 0 where that is not fixed; `byte_rate` is in bytes a second.
    `extra` is what a compressed kind's `fmt ` chunk holds behind its first 18 bytes, for a decoder.
    """

    tag: int
    channels: int
    rate: int
    bits: int
    block_align: int = 0
    big_endian: bool = False
    block_samples: int = 0
    byte_rate: int = 0
    extra: bytes = b""

    def __post_init__(self) -> None:
        if not self.block_align:
            object.__setattr__(self, "block_align", self.channels * -(-self.bits // 8))
        if not self.byte_rate:
            object.__setattr__(self, "byte_rate", self.rate * self.block_align)

    @property
    def frame(self) -> int:
        """Bytes of one sample of every channel, padding included."""
        return self.block_align

    @property
    def encoding(self) -> Encoding | None:
        """The encoding of plain samples; None for kinds that need a decoder."""
        if self.tag not in PLAIN:
            return None
        return encoding_of(self.tag, self.block_align // self.channels, self.big_endian)

    @property
    def is_packed(self) -> bool:
        """False where samples take more bytes than their bits need: many players err there."""
        return self.tag not in PLAIN or self.block_align == self.channels * -(-self.bits // 8)

    def samples_in(self, length: int) -> int | None:
        """Samples of each channel that `length` bytes hold; None where blocks do not tell."""
        if self.tag in PLAIN:
            return length // self.block_align
        if self.tag in (G722, G726, G726_ITU):
            return 8 * length // (4 if self.tag == G722 else max(self.bits, 1)) // self.channels
        if not self.block_samples:
            return None
        blocks, rest = divmod(length, self.block_align)
        return blocks * self.block_samples + self._samples_in_part(rest)

    def _samples_in_part(self, rest: int) -> int:
        """Samples in a last block that breaks off: none where it must be whole (GSM)."""
        if self.tag == ADPCM_IMA:
            groups = max(rest - 4 * self.channels, 0) // (4 * self.channels)
            return min(1 + 8 * groups, self.block_samples) if rest >= 4 * self.channels else 0
        if self.tag == ADPCM_MS and rest >= 7 * self.channels:
            return min(2 + 2 * (rest - 7 * self.channels) // self.channels, self.block_samples)
        return 0

    @property
    def silence(self) -> bytes:
        """The byte that silence is made of, in the plain kinds."""
        encoding = self.encoding
        return encoding.silence if encoding is not None else b"\x00"


def read_format(content: bytes, *, big_endian: bool) -> Format:
    """The format that a `fmt ` chunk gives. Raises UnreadableAudio for one that nothing explains.

    A block align that does not fit the channels, the bits and the byte rate is not believed.
    """
    if len(content) < 14:
        raise UnreadableAudio("The WAV file's format chunk is too short")
    order = ">" if big_endian else "<"
    fields = struct.unpack_from(order + "HHIIHH", content.ljust(16, b"\0"))
    tag, channels, rate, byte_rate, align, bits = fields
    if tag == EXTENSIBLE and len(content) >= 28:
        (tag,) = struct.unpack_from(order + "I", content, 24)
        tag = tag if tag <= 0xFFFF else struct.unpack_from("<H", content, 24)[0]
    if not 1 <= channels <= MAX_CHANNELS:
        raise UnreadableAudio(f"The WAV header gives {channels} channels")
    if not MIN_RATE_HZ <= rate <= MAX_RATE_HZ:
        raise UnreadableAudio(f"The WAV header gives a rate of {rate} Hz")
    if tag in (A_LAW, MU_LAW):
        bits, align = 8, channels
    elif tag in PLAIN:
        align = _plain_align(channels, rate, byte_rate, align, bits)
        bits = bits or 8 * align // channels
    extra = b"" if tag in PLAIN else content[18:]
    byte_rate = rate * align if tag in PLAIN else byte_rate
    samples = _block_samples(tag, channels, align, extra, order)
    return Format(tag, channels, rate, bits, align, big_endian, samples, byte_rate, extra)


def header(kind: Format, length: int) -> bytes:
    """A WAV file's bytes up to the first of `length` bytes of plain samples.

    More than RIFF can count is announced as a stream that goes on to the end.
    """
    if kind.big_endian:
        raise ValueError("a header of our own is little-endian")
    align, rate = kind.block_align, kind.rate
    bits = 8 * (align // kind.channels) if kind.tag in PLAIN else kind.bits
    fmt = struct.pack("<HHIIHH", kind.tag, kind.channels, rate, rate * align, align, bits)
    chunks = _chunk(b"fmt ", fmt)
    if kind.tag != PCM:
        frames = min(length // max(align, 1), _UNKNOWN_LENGTH)
        chunks = _chunk(b"fmt ", fmt + b"\0\0") + _chunk(b"fact", struct.pack("<I", frames))
    size = 4 + len(chunks) + 8 + length
    if size > _UNKNOWN_LENGTH:
        size = length = _UNKNOWN_LENGTH
    riff = struct.pack("<4sI4s", b"RIFF", size, b"WAVE")
    return riff + chunks + struct.pack("<4sI", b"data", length)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content


def _plain_align(channels: int, rate: int, byte_rate: int, align: int, bits: int) -> int:
    """The size of a frame: the header's own where its fields agree, else as the bits say."""
    smallest = channels * -(-bits // 8)
    whole = align > 0 and align % channels == 0
    if whole and align > smallest and byte_rate == rate * align:
        return align
    if not smallest and whole:
        return align
    if not smallest:
        raise UnreadableAudio("The WAV header does not say how large a sample is")
    return smallest


def _block_samples(tag: int, channels: int, align: int, extra: bytes, order: str) -> int:
    """Samples of one channel in a block: as the header says, else as the kind implies."""
    if tag == GSM:
        return 320
    if tag not in (ADPCM_MS, ADPCM_IMA):
        return 0
    head = 7 * channels if tag == ADPCM_MS else 4 * channels
    most = 2 * (align - head) // channels + (2 if tag == ADPCM_MS else 1)
    said = struct.unpack_from(order + "H", extra)[0] if len(extra) >= 2 else 0
    return int(said) if 0 < said <= most else max(most, 0)
