"""The sound at 8 kHz, kept in the caller's spool until a transcriber has read the speech in it."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_FULL_SCALE = 32767


class Tape:
    """Interleaved 16-bit samples of all channels, in a seekable file that is safe for plaintext."""

    def __init__(self, spool: BinaryIO, channels: int) -> None:
        self._spool = spool
        self._channels = channels

    def add(self, samples: Floats) -> None:
        """Keep (channels, any number) more samples, full scale 1.0."""
        whole = np.round(np.clip(samples, -1, 1) * _FULL_SCALE).astype("<i2")
        self._spool.write(np.ascontiguousarray(whole.T).tobytes())

    def read(self, channel: int, first: int, last: int) -> Floats:
        """The samples [first, last) of one channel; fewer where the tape ends."""
        frame = 2 * self._channels
        self._spool.seek(first * frame)
        content = self._spool.read((last - first) * frame)
        whole = np.frombuffer(content[: len(content) // frame * frame], "<i2")
        samples = whole.reshape(-1, self._channels)[:, channel].astype(np.float32)
        return samples * np.float32(1 / _FULL_SCALE)
