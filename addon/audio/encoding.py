"""Encoders: FLAC for muted copies, and FLAC, MP3 and Opus for taking away, sent while encoded.

Lengths are written down at the beginning, although they come from the encoder at the end: whoever
encodes knows how many frames there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np

from addon.audio.decoders import LAYOUTS, Floats, quiet_av
from addon.audio.files import StreamedFile

EncodedFormat = Literal["flac", "mp3", "opus"]


class Encoder(NamedTuple):
    """FFmpeg's names, the rates an encoder takes in Hz (none: all), and its channels at most.

    `bit_rate` gives the bits a second of a channel at a rate, `options` are the codec's own.
    """

    container: str
    codec: str
    rates: tuple[int, ...]
    channels: int
    bit_rate: Callable[[int], int] | None
    options: dict[str, str]

    def rate(self, rate: int) -> int:
        """The lowest rate that loses nothing, else the highest there is."""
        if not self.rates or rate in self.rates:
            return rate
        return next((one for one in self.rates if one > rate), self.rates[-1])


def _mp3_bit_rate(rate: int) -> int:
    return 32_000 if rate <= 12_000 else 48_000 if rate <= 24_000 else 80_000


ENCODERS: dict[EncodedFormat, Encoder] = {
    "flac": Encoder("flac", "flac", (), 8, None, {"compression_level": "5"}),
    "mp3": Encoder(
        "mp3",
        "libmp3lame",
        (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
        2,
        _mp3_bit_rate,
        {"compression_level": "5"},
    ),
    "opus": Encoder(
        "ogg",
        "libopus",
        (8000, 12000, 16000, 24000, 48000),
        2,
        lambda _: 24_000,
        {"compression_level": "5"},
    ),
}
"""MP3 at a constant bit rate: a player takes the place of a moment from its size."""


class Shape(NamedTuple):
    """Samples: rate in Hz, channels, frames in all, and whether they need more than 16 bits."""

    rate: int
    channels: int
    frames: int
    deep: bool = False


def encoded(blocks: Iterable[Floats], wanted: EncodedFormat, shape: Shape) -> Iterator[bytes]:
    """The file, piece by piece; `blocks` must come to `shape.frames`.

    Raises what `blocks` raises; then the file is not complete.
    """
    out = StreamedFile()
    begun = False
    for _ in _written(out, blocks, wanted, shape):
        piece = out.take()
        if piece and not begun:
            piece, begun = _with_length(piece, wanted, shape), True
        yield piece
    yield out.take()


def write_flac(file: BinaryIO, blocks: Iterable[Floats], shape: Shape) -> None:
    """The samples as a FLAC file with its checksum and length, in a file that can be sought."""
    for _ in _written(file, blocks, "flac", shape):
        pass


def _written(
    file: Any, blocks: Iterable[Floats], wanted: EncodedFormat, shape: Shape
) -> Iterator[None]:
    """Encodes into a file; stops after each block, and at last when the file is closed."""
    av, encoder = quiet_av(), ENCODERS[wanted]
    count = 0
    muxing = {"id3v2_version": "0"} if wanted == "mp3" else {}
    with av.open(file, "w", format=encoder.container, options=muxing) as container:
        stream = container.add_stream(encoder.codec, rate=shape.rate, options=encoder.options)
        stream.layout = LAYOUTS[shape.channels]
        context = stream.codec_context
        context.format, convert = _sample_format(wanted, shape.deep)
        context.thread_count = 1
        if encoder.bit_rate is not None:
            context.bit_rate = encoder.bit_rate(shape.rate) * shape.channels
        for block in blocks:
            frame = _frame(convert(block), context, shape)
            frame.pts = count
            count += block.shape[1]
            container.mux(stream.encode(frame))
            yield
        container.mux(stream.encode(None))
    yield


def _frame(values: Any, context: Any, shape: Shape) -> Any:
    packed = np.ascontiguousarray(values.T).reshape(1, -1)
    layout, kind = context.layout.name, context.format.packed.name
    frame = quiet_av().AudioFrame.from_ndarray(packed, kind, layout)
    frame.sample_rate = shape.rate
    return frame


def _sample_format(wanted: EncodedFormat, deep: bool) -> tuple[str, Callable[[Floats], Any]]:
    if wanted == "mp3":
        return "fltp", lambda block: block
    if wanted == "opus":
        return "flt", lambda block: block
    if deep:
        return "s32", lambda block: whole_numbers(block, 24) << 8
    return "s16", lambda block: whole_numbers(block, 16).astype(np.int16)


def whole_numbers(block: Floats, bits: int) -> Any:
    """Samples as whole numbers of so many bits, the nearest ones."""
    top = 1 << bits - 1
    return np.clip(np.rint(block * np.float64(top)), -top, top - 1).astype(np.int32)


def _with_length(data: bytes, wanted: EncodedFormat, shape: Shape) -> bytes:
    """A file's beginning with the length that its encoder would write when it is too late."""
    if wanted == "flac":
        return _flac_with_length(data, shape.frames)
    return _mp3_with_length(data, shape) if wanted == "mp3" else data


def _flac_with_length(data: bytes, frames: int) -> bytes:
    """36 bits behind rate, channels and sample size of STREAMINFO (RFC 9639 8.2); 0 is unknown."""
    if data[:4] != b"fLaC" or len(data) < 42 or frames >= 1 << 36:
        return data
    count = bytes([data[21] & 0xF0 | frames >> 32]) + (frames & 0xFFFFFFFF).to_bytes(4, "big")
    return data[:21] + count + data[26:]


_LAME_DELAY, _LAME_WITH_DECODER = 576, 1105
"""Frames that LAME puts before the first one: its own, and with those of a decoder."""

_LAME_VERSION, _CONSTANT_BIT_RATE = b"LAME3.100", 1
"""The encoder, as LAME itself names it, and its method. FFmpeg writes its own name there, and some
readers of the header believe delay and padding of LAME alone: four seconds were 4.176 to them."""


def _mp3_with_length(data: bytes, shape: Shape) -> bytes:
    """The Info header with packets, bytes, delay and padding; its checksum covers 190 bytes."""
    at = data.find(b"Xing", 0, 64)
    at = data.find(b"Info", 0, 64) if at < 0 else at
    if at < 0 or len(data) < at + 156:
        return data
    size = 576 if shape.rate < 32000 else 1152
    packets = -(-shape.frames // size) - (-_LAME_WITH_DECODER // size)
    padding = min(packets * size - _LAME_DELAY - shape.frames, 0xFFF)
    bit_rate = _mp3_bit_rate(shape.rate) * shape.channels
    length = (packets + 1) * size * bit_rate // (8 * shape.rate)
    head = bytearray(data[: at + 156])
    head[at : at + 4] = b"Info"
    head[at + 8 : at + 12] = packets.to_bytes(4, "big")
    head[at + 12 : at + 16] = min(length, 0xFFFFFFFF).to_bytes(4, "big")
    head[at + 120 : at + 129] = _LAME_VERSION
    head[at + 129] = _CONSTANT_BIT_RATE
    head[at + 140] = min(bit_rate // 1000, 0xFF)
    head[at + 141 : at + 144] = (_LAME_DELAY << 12 | padding).to_bytes(3, "big")
    head[at + 154 : at + 156] = _crc16(bytes(head[: at + 154])).to_bytes(2, "big")
    return bytes(head) + data[at + 156 :]


def _crc16(content: bytes) -> int:
    """CRC-16 with the reversed polynomial 0xA001, as LAME has it."""
    crc = 0
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc
