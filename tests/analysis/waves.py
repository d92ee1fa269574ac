"""WAV files built byte by byte, with the mistakes that real telephone systems make."""

import struct

import numpy as np

FRAMES = 4800
PCM, FLOAT, A_LAW, MU_LAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE


def ramp(frames: int = FRAMES, channels: int = 2) -> np.ndarray:
    """16-bit samples, (frames, channels), each frame different from the last."""
    rows = np.arange(frames * channels, dtype=np.int64) * 37 % 20001 - 10000
    return rows.reshape(frames, channels).astype("<i2")


def format_chunk(
    tag: int = PCM, channels: int = 2, rate: int = 8000, bits: int = 16, *, align: int | None = None
) -> bytes:
    align = channels * bits // 8 if align is None else align
    fields = struct.pack("<HHIIHH", tag, channels, rate, rate * align, align, bits)
    return chunk(b"fmt ", fields)


def extensible_chunk(channels: int = 2, rate: int = 8000, bits: int = 16, tag: int = PCM) -> bytes:
    align = channels * bits // 8
    fields = struct.pack("<HHIIHH", EXTENSIBLE, channels, rate, rate * align, align, bits)
    guid = struct.pack("<H", tag) + bytes.fromhex("000000001000800000aa00389b71")
    return chunk(b"fmt ", fields + struct.pack("<HHI", 22, bits, 3) + guid)


def chunk(name: bytes, content: bytes, length: int | None = None, *, pad: bool = True) -> bytes:
    """A chunk; `length` is what it claims to be."""
    claimed = len(content) if length is None else length
    odd = b"\0" if pad and len(content) % 2 else b""
    return name + struct.pack("<I", claimed) + content + odd


def riff(*chunks: bytes, size: int | None = None, magic: bytes = b"RIFF") -> bytes:
    content = b"WAVE" + b"".join(chunks)
    return magic + struct.pack("<I", len(content) if size is None else size) + content


def plain(samples: np.ndarray | None = None, **kind: int) -> bytes:
    """The canonical 44-byte header and the samples."""
    samples = ramp() if samples is None else samples
    return riff(format_chunk(channels=samples.shape[1], **kind), chunk(b"data", samples.tobytes()))
