"""The vectors that span what is slower than the band of speech."""

import numpy as np
import pytest

from addon.analysis.band import slow_basis

RATE = 8000


def left(hertz, *, samples=80, below=150, vectors=6):
    """What a projection leaves of a sine's energy, in dB, on average over its phase."""
    basis = slow_basis(samples, below, vectors, RATE).astype(float)
    time = np.arange(samples) / RATE
    phases = np.linspace(0, np.pi, 16, endpoint=False)[:, None]
    sines = np.cos(2 * np.pi * hertz * time + phases)
    rest = sines - (sines @ basis) @ basis.T
    return 10 * np.log10((rest**2).sum() / (sines**2).sum())


def test_columns_are_orthonormal():
    basis = slow_basis(80, 150, 6, RATE)
    assert basis.shape == (80, 6) and basis.dtype == np.float32
    assert np.allclose(basis.T @ basis, np.eye(6), atol=1e-5)


@pytest.mark.parametrize(("hertz", "db"), [(0, -90), (50, -50), (60, -50), (100, -38), (120, -38)])
def test_an_offset_and_hum_are_spanned(hertz, db):
    assert left(hertz) < db


@pytest.mark.parametrize("hertz", [300, 500, 1000, 3400])
def test_speech_is_left(hertz):
    assert left(hertz) > -1.2


@pytest.mark.parametrize(("samples", "vectors"), [(128, 7), (96, 6)])
def test_the_detectors_frames(samples, vectors):
    for hertz in (0, 50, 60):
        assert left(hertz, samples=samples, below=120, vectors=vectors) < -45
    assert left(300, samples=samples, below=120, vectors=vectors) > -1
