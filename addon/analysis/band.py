"""The band of speech: an offset, mains hum and a car's rumble are taken out of short frames.

A short frame has room for only a handful of independent slow movements. `slow_basis` is a set of
vectors that spans them, and a projection takes them out. Nothing is carried from frame to frame,
so blocks of any size give the same answer (decision 0210).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: An offset, and mains hum of both worlds with its second harmonic, are what lines really carry:
#: they weigh more than the rest of the band, so that the few vectors null them first.
_OFFSET_WEIGHT = 1000.0
_HUM_WEIGHTS = {50.0: 10.0, 60.0: 10.0, 100.0: 1.0, 120.0: 1.0}


@cache
def slow_basis(samples: int, below_hertz: float, vectors: int, rate: int) -> Floats:
    """Orthonormal columns, (samples, vectors), that span movements slower than `below_hertz`.

    Made once for each process; nobody writes to them.
    """
    apart = np.subtract.outer(np.arange(samples), np.arange(samples)).astype(np.float64)
    covariance = np.sinc(2 * below_hertz / rate * apart) + _OFFSET_WEIGHT
    for hertz, weight in _HUM_WEIGHTS.items():
        covariance += weight * np.cos(2 * np.pi * hertz / rate * apart)
    _, ascending = np.linalg.eigh(covariance)
    return np.ascontiguousarray(ascending[:, ::-1][:, :vectors], dtype=np.float32)
