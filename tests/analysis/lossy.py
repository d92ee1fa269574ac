"""Decoders and encoders that lose something, as tests put them in the place of sound ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from addon.analysis import compressed_input, recording
from addon.analysis.timeline import Interval

GAP = "The decoder stopped in the middle of the file."


def lose_the_end(patch: pytest.MonkeyPatch) -> None:
    """From now on what is encoded anew ends in the middle of its last block, without a word."""
    silenced = compressed_input._silenced

    def half_of_the_last(*args: Any) -> Iterator[Any]:
        waiting = None
        for block in silenced(*args):
            if waiting is not None:
                yield waiting
            waiting = block
        if waiting is not None:
            axis = int(np.argmax(waiting.shape))
            yield np.split(waiting, [waiting.shape[axis] // 2], axis)[0].copy()

    patch.setattr(compressed_input, "_silenced", half_of_the_last)


class StopsEarly:
    """An input whose decoder stopped early; everything else is the real one's."""

    gap = GAP

    def __init__(self, real: Any) -> None:
        self._real = real
        self.asked_to_mute: list[Sequence[Interval]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def release(self, muted: Sequence[Interval]) -> Iterator[bytes]:
        self.asked_to_mute.append(muted)
        return self._real.release(muted)


def stop_early(patch: pytest.MonkeyPatch) -> list[StopsEarly]:
    """From now on every input says that its decoder stopped early; gives those that were made."""
    open_input = recording.open_input
    made: list[StopsEarly] = []

    def opened(*args: Any, **kwargs: Any) -> Any:
        real = open_input(*args, **kwargs)
        if real is None:
            return None
        made.append(StopsEarly(real))
        return made[-1]

    patch.setattr(recording, "open_input", opened)
    return made
