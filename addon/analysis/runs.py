"""Masks on the 10 ms grid and the runs in them: fill short gaps, drop short runs, pad, join.

A mask is a boolean array with one entry a frame; runs are an (n, 2) integer array of
[first frame, frame after the last), in order and apart. Nothing here knows what a run means.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Runs = NDArray[np.int64]

#: Frames a second: every mask in this room has one entry for each 10 ms.
FRAME_RATE = 100
FRAME_MS = 10


def runs(mask: Mask) -> Runs:
    """The runs of true frames."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return edges.reshape(-1, 2)


def mask(spans: Iterable[tuple[int, int]] | Runs, length: int) -> Mask:
    """The mask of `length` frames that is true inside the spans."""
    result = np.zeros(length, np.bool_)
    for first, last in spans:
        result[max(first, 0) : max(last, 0)] = True
    return result


def joined(spans: Runs, gap: int) -> Runs:
    """The runs with gaps of up to `gap` frames between them filled."""
    if len(spans) == 0:
        return spans
    apart = spans[1:, 0] - spans[:-1, 1] > gap
    starts = spans[np.concatenate([[True], apart]), 0]
    stops = spans[np.concatenate([apart, [True]]), 1]
    return np.stack([starts, stops], axis=1)


def at_least(spans: Runs, frames: int) -> Runs:
    """The runs that last `frames` or longer."""
    return spans[spans[:, 1] - spans[:, 0] >= frames]


def padded(spans: Runs, before: int, after: int, length: int) -> Runs:
    """The runs longer by so many frames at each end, within `length`, joined where they touch."""
    wider = np.stack([spans[:, 0] - before, spans[:, 1] + after], axis=1)
    return joined(np.clip(wider, 0, length), 0)


def seconds(frames: int) -> float:
    """Frames as seconds, exact to three decimals."""
    return frames * FRAME_MS / 1000
