"""The sample encodings of WAV files that can be read, and muted, byte by byte.

Each turns interleaved bytes into float samples of full scale 1.0 and knows the byte
that silence is made of. Encodings that need a decoder with memory (GSM, ADPCM) are not here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from addon.audio.decoders import Floats


@dataclass(frozen=True)
class Encoding:
    """One encoding: `name` as reported, `width` in bytes a sample, `silence` as one byte."""

    name: str
    width: int
    silence: bytes
    read: Callable[[bytes | bytearray | memoryview], Floats]

    def decode(self, frames: bytes | bytearray | memoryview, channels: int) -> Floats:
        """Whole frames as (channels, frames), full scale 1.0."""
        samples = self.read(frames).reshape(-1, channels)
        return np.ascontiguousarray(samples.T)


def _scaled(dtype: str, divisor: float) -> Callable[[bytes | bytearray | memoryview], Floats]:
    factor = np.float32(1 / divisor)
    return lambda frames: np.frombuffer(frames, dtype).astype(np.float32) * factor


def _pcm8(frames: bytes | bytearray | memoryview) -> Floats:
    return (np.frombuffer(frames, np.uint8).astype(np.float32) - 128) * np.float32(1 / 128)


def _pcm24(step: int) -> Callable[[bytes | bytearray | memoryview], Floats]:
    def read(frames: bytes | bytearray | memoryview) -> Floats:
        octets = np.frombuffer(frames, np.uint8).reshape(-1, 3)
        wide = np.zeros((octets.shape[0], 4), np.uint8)
        wide[:, 1:] = octets[:, ::step]
        return wide.view("<i4")[:, 0].astype(np.float32) * np.float32(1 / 2**31)

    return read


def _real(dtype: str) -> Callable[[bytes | bytearray | memoryview], Floats]:
    def read(frames: bytes | bytearray | memoryview) -> Floats:
        with np.errstate(over="ignore", invalid="ignore"):
            samples = np.frombuffer(frames, dtype).astype(np.float32)
        return np.clip(np.nan_to_num(samples, nan=0.0), -1.0, 1.0)

    return read


def _companded(table: NDArray[np.int16]) -> Callable[[bytes | bytearray | memoryview], Floats]:
    levels = table.astype(np.float32) / np.float32(32768)
    return lambda frames: levels[np.frombuffer(frames, np.uint8)]


def mu_law_table() -> NDArray[np.int16]:
    """ITU-T G.711 mu-law, all 256 codes as 16-bit samples."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code >> 4 & 7).astype(np.int32), (code & 15).astype(np.int32)
    magnitude = ((mantissa << 3) + 132 << exponent) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def a_law_table() -> NDArray[np.int16]:
    """ITU-T G.711 A-law, all 256 codes as 16-bit samples."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent, mantissa = (code >> 4 & 7).astype(np.int32), (code & 15).astype(np.int32)
    magnitude = np.where(
        exponent == 0,
        (mantissa << 4) + 8,
        (mantissa << 4) + 264 << np.maximum(exponent - 1, 0),
    )
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


_PCM, _FLOAT, _A_LAW, _MU_LAW = 1, 3, 6, 7


def _encodings(order: str, end: str) -> dict[tuple[int, int], Encoding]:
    return {
        (_PCM, 1): Encoding("pcm_u8", 1, b"\x80", _pcm8),
        (_PCM, 2): Encoding(f"pcm_s16{end}", 2, b"\x00", _scaled(f"{order}i2", 2**15)),
        (_PCM, 3): Encoding(f"pcm_s24{end}", 3, b"\x00", _pcm24(1 if order == "<" else -1)),
        (_PCM, 4): Encoding(f"pcm_s32{end}", 4, b"\x00", _scaled(f"{order}i4", 2**31)),
        (_FLOAT, 4): Encoding(f"pcm_f32{end}", 4, b"\x00", _real(f"{order}f4")),
        (_FLOAT, 8): Encoding(f"pcm_f64{end}", 8, b"\x00", _real(f"{order}f8")),
        (_A_LAW, 1): Encoding("pcm_alaw", 1, b"\xd5", _companded(a_law_table())),
        (_MU_LAW, 1): Encoding("pcm_mulaw", 1, b"\xff", _companded(mu_law_table())),
    }


#: (WAVE format tag, bytes a sample) to encoding, and the same of RIFX files, where the order of a
#: sample's bytes is the other one. Samples of fewer bits than their bytes hold are left-justified
#: (WAVE_FORMAT_EXTENSIBLE's valid bits), so 24 in 4 bytes read as 32.
ENCODINGS, BIG_ENDIAN = _encodings("<", "le"), _encodings(">", "be")


def encoding_of(tag: int, width: int, big_endian: bool) -> Encoding | None:
    """The encoding of a format tag with samples of `width` bytes; None where none is read here."""
    return (BIG_ENDIAN if big_endian else ENCODINGS).get((tag, width))
