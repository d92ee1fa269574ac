"""Recordings that the suite sends: tones and silence of a known length, as WAV files."""

from __future__ import annotations

import io
import math
import struct
import wave

RATE = 8000
TONE_HZ = 440.0
LOUDNESS = 8000


def conversation(seconds: float) -> bytes:
    """Two channels that sound in turn, half a second each."""
    frames = bytearray()
    for number in range(int(seconds * RATE)):
        level = int(LOUDNESS * math.sin(2 * math.pi * TONE_HZ * number / RATE))
        first = (number // (RATE // 2)) % 2 == 0
        frames += struct.pack("<hh", level if first else 0, 0 if first else level)
    return _wav(bytes(frames), channels=2)


def silence(size: int) -> bytes:
    """One channel of so many bytes of silence."""
    return _wav(bytes(size), channels=1)


def _wav(frames: bytes, channels: int) -> bytes:
    body = io.BytesIO()
    with wave.open(body, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(frames)
    return body.getvalue()
