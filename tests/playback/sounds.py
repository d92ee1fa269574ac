"""Recordings whose samples are known, in every kind that telephone systems write."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import soundfile

from addon.playback.playable import Playable
from tests.archive.recordings import CALL, RECORDING, TENANT, archived, facts

__all__ = ["CALL", "RECORDING", "TENANT", "InMemory", "archived", "facts"]

KINDS = {
    "pcm16": ("WAV", "PCM_16"),
    "pcm8": ("WAV", "PCM_U8"),
    "pcm24": ("WAV", "PCM_24"),
    "float": ("WAV", "FLOAT"),
    "mu-law": ("WAV", "ULAW"),
    "a-law": ("WAV", "ALAW"),
    "gsm": ("WAV", "GSM610"),
    "ima": ("WAV", "IMA_ADPCM"),
    "ms": ("WAV", "MS_ADPCM"),
    "flac": ("FLAC", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "ogg": ("OGG", "VORBIS"),
}


def samples(frames: int, channels: int = 2, seed: int = 1) -> np.ndarray:
    """16-bit noise over a tone: every sample differs from its neighbours."""
    rng = np.random.default_rng(seed)
    tone = np.sin(np.arange(frames) / (7 + seed)) * 9000
    both = [tone * (1 - 2 * c) + rng.normal(0, 1500, frames) for c in range(channels)]
    return np.stack(both, 1).astype(np.int16)


def file_of(
    frames: int = 16_123, *, kind: str = "pcm16", channels: int = 2, rate: int = 8000, seed: int = 1
) -> bytes:
    """A file of such samples."""
    container, subtype = KINDS[kind]
    out = io.BytesIO()
    data = samples(frames, channels, seed)
    soundfile.write(out, data, rate, format=container, subtype=subtype)
    return out.getvalue()


def decoded(content: bytes) -> tuple[np.ndarray, int]:
    """All samples of a file, (frames, channels), and its rate, as another decoder gives them."""
    return soundfile.read(io.BytesIO(content), dtype="int16", always_2d=True)


def expected(content: bytes, frames: int) -> np.ndarray:
    """The same without the padding of the last block, which that decoder gives out too."""
    return decoded(content)[0][:frames]


def whole(playable: Playable) -> bytes:
    """Everything of a sound."""
    return b"".join(playable.read(0, playable.length))


class InMemory:
    """A sound of given bytes that knows which of them were read."""

    def __init__(self, content: bytes, *, fails_at: int | None = None, error: Any = None) -> None:
        self.content = content
        self.length = len(content)
        self.etag = "e"
        self.format = "wav"
        self.seconds: float | None = None
        self.reads: list[tuple[int, int]] = []
        self._fails_at, self._error = fails_at, error

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        self.reads.append((start, stop))
        for at in range(start, min(stop, self.length), 1000):
            if self._fails_at is not None and at >= self._fails_at:
                raise self._error
            yield self.content[at : min(at + 1000, stop)]
