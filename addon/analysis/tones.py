"""Key tones (DTMF) on the line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Tone:
    """One key press on one channel, in seconds. Which key it was is never kept."""

    channel: int
    start: float
    stop: float

    @property
    def interval(self) -> tuple[float, float]:
        """Its start and end."""
        return round(self.start, 3), round(self.stop, 3)


class ToneDetector:
    """Stub."""

    def __init__(self, channels: int) -> None:
        self.found: list[Tone] = []
        self.settled = 0.0

    def add(self, samples: NDArray[np.float32]) -> None:
        """Stub."""
        self.settled += samples.shape[1] / 8000

    def finish(self) -> None:
        """Stub."""
