"""Small real recordings for tests that need bytes, not speech."""

from __future__ import annotations

import io
import struct
import wave


def wav(seconds: float = 1.0, *, channels: int = 2, rate: int = 8000) -> bytes:
    """A PCM16 WAV with a different quiet ramp on each channel."""
    frames = int(seconds * rate)
    samples = bytearray()
    for number in range(frames):
        for channel in range(channels):
            samples += struct.pack("<h", (number * (3 + channel)) % 400 - 200)
    body = io.BytesIO()
    with wave.open(body, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(samples))
    return body.getvalue()
