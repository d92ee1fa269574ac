"""Small real recordings for tests that need bytes, not speech."""

from __future__ import annotations

import io
import wave

import numpy as np


def wav(seconds: float = 1.0, *, channels: int = 2, rate: int = 8000) -> bytes:
    """A PCM16 WAV with a different quiet ramp on each channel."""
    steps = 3 + np.arange(channels)
    samples = np.arange(int(seconds * rate))[:, None] * steps % 400 - 200
    body = io.BytesIO()
    with wave.open(body, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return body.getvalue()
