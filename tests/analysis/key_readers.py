"""Readers of key tones that share no code with the product: what can they make of the audio?

`shows_key` knows what it looks for and where, and still finds nothing in well muted audio.
`multimon` is multimon-ng, a decoder of others, where it is installed.
"""

import re
import shutil
import subprocess
import tempfile

import numpy as np
import soxr

from tests.analysis.calls import HIGH, LOW, RATE
from tests.analysis.keys import KEYS

#: multimon-ng reads 16-bit samples at this rate.
_MULTIMON_HZ = 22050
_WINDOW, _HOP = 240, 80
_TAPS = np.arange(-100, 101)


def band_passed(samples: np.ndarray) -> np.ndarray:
    """600 to 1,800 Hz: what any reader does first where there is hum."""
    taper = np.hanning(len(_TAPS))
    low, high = (2 * hertz / RATE * np.sinc(2 * hertz / RATE * _TAPS) for hertz in (600, 1800))
    filtered: np.ndarray = np.convolve(samples, (high - low) * taper, "same").astype(np.float32)
    return filtered


def shows_key(samples: np.ndarray, span: tuple[float, float], digit: str) -> bool:
    """Is there, within 30 ms of the span, any 30 ms window in which this key stands out?

    Its tones have to be the strongest of their groups by 6 dB, at -70 dBFS or above, at some
    frequency offset up to 1.8 %.
    """
    near = slice(max(round((span[0] - 0.03) * RATE), 0), round((span[1] + 0.03) * RATE))
    heard = band_passed(samples)[near]
    row, column = divmod(KEYS.index(digit), 4)
    for offset in (-0.018, -0.009, 0, 0.009, 0.018):
        frequencies = np.array([*LOW, *HIGH]) * (1 + offset)
        phases = -2j * np.pi * np.outer(np.arange(_WINDOW), frequencies) / RATE
        basis = np.exp(phases) * np.hanning(_WINDOW)[:, None]
        for at in range(0, len(heard) - _WINDOW + 1, _HOP):
            window = heard[at : at + _WINDOW]
            if np.mean(window**2) < 1e-7:
                continue
            low, high = np.split(np.abs(window @ basis) ** 2, 2)
            if _stands_out(low, row) and _stands_out(high, column):
                return True
    return False


def _stands_out(group: np.ndarray, index: int) -> bool:
    others = np.delete(group, index)
    return bool(group[index] > 4 * others.max())


def has_multimon() -> bool:
    """Is multimon-ng installed?"""
    return shutil.which("multimon-ng") is not None


def multimon(samples: np.ndarray) -> str:
    """The digits that multimon-ng reads."""
    longer = soxr.resample(np.append(samples, np.zeros(2000, np.float32)), RATE, _MULTIMON_HZ)
    with tempfile.NamedTemporaryFile(suffix=".raw") as file:
        file.write((np.clip(longer, -1, 1) * 32767).astype("<i2").tobytes())
        file.flush()
        command = ["multimon-ng", "-q", "-a", "DTMF", "-t", "raw", file.name]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return "".join(re.findall(r"DTMF: (.)", said))
