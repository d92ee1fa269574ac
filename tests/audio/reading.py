"""What the decoder says of given bytes, in one value."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from addon.audio.decoding import Decoder


@dataclass
class Heard:
    """All samples of a file, (channels, frames), and what the decoder says of it."""

    samples: np.ndarray
    rate: int
    codec: str
    flags: list[str]
    warnings: list[str]
    gap: str

    @property
    def covered(self) -> bool:
        return not self.gap

    @property
    def seconds(self) -> float:
        return self.samples.shape[1] / self.rate

    def level(self, begin: float, end: float) -> float:
        """The root mean square of a stretch in seconds, all channels together."""
        part = self.samples[:, round(begin * self.rate) : round(end * self.rate)]
        return float(np.sqrt((part**2).mean())) if part.size else 0.0


def heard(content: bytes, kind: str | None = None) -> Heard:
    decoder = Decoder(io.BytesIO(content), kind)
    blocks = list(decoder.blocks())
    samples = np.concatenate(blocks, axis=1) if blocks else np.zeros((decoder.channels, 0))
    assert samples.shape[1] == decoder.frames
    return Heard(samples, decoder.rate, decoder.codec, decoder.flags, decoder.warnings, decoder.gap)
