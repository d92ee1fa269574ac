"""Levels against arithmetic done by hand."""

import numpy as np
import pytest

from addon.analysis.levels import (
    CLIPPED_AT,
    FLOOR_DBFS,
    FrameLevels,
    Totals,
    decibels,
    median,
    percentiles,
    slow_basis,
    smoothed,
)


def sine(amplitude, seconds=1.0, hertz=440):
    time = np.arange(int(8000 * seconds)) / 8000
    return (amplitude * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def totals(*rows, pieces=1):
    result = Totals(len(rows))
    for piece in np.array_split(np.stack(rows), pieces, axis=1):
        result.add(piece)
    return result


@pytest.mark.parametrize("pieces", [1, 7])
def test_a_sine(pieces):
    one = totals(sine(0.5), sine(0.05), pieces=pieces)
    assert one.peak_dbfs(0) == pytest.approx(-6.02, abs=0.02)
    assert one.rms_dbfs(0) == pytest.approx(-9.03, abs=0.02)
    assert one.rms_dbfs(1) == pytest.approx(-29.03, abs=0.02)
    assert one.dc_offset(0) == pytest.approx(0, abs=1e-4)
    assert one.clipped_percent(0) == 0


def test_offset_and_negative_peak():
    one = totals(np.full(100, -0.25, np.float32))
    assert one.dc_offset(0) == -0.25
    assert one.peak_dbfs(0) == pytest.approx(-12.04, abs=0.01)


def test_clipping_counts_both_signs():
    samples = np.zeros(1000, np.float32)
    samples[:5], samples[5:10], samples[10] = 1.0, -1.0, CLIPPED_AT - 0.001
    assert totals(samples).clipped_percent(0) == 1.0


def likeness(*rows):
    frames = FrameLevels()
    for half in np.split(np.stack(rows).astype(np.float32), 2, axis=1):
        frames.add(half)
    return frames.likeness(np.ones(len(rows[0]) // 80, np.bool_))


def test_likeness():
    noise = np.random.default_rng(1).standard_normal((2, 8000)) * 0.1
    assert likeness(noise[0], noise[0] * 0.03) == pytest.approx(1, abs=1e-3)
    assert likeness(noise[0], -noise[0]) == pytest.approx(-1, abs=1e-3)
    assert abs(likeness(*noise)) < 0.1
    assert likeness(noise[0], np.zeros(8000)) == 0
    assert FrameLevels().likeness(np.ones(3, np.bool_)) == 0


def test_a_common_offset_and_common_hum_are_no_likeness():
    noise = np.random.default_rng(1).standard_normal((2, 8000)) * 0.01
    assert abs(likeness(*(noise + 0.1 + sine(0.2, hertz=50)))) < 0.1


def test_likeness_is_of_the_frames_asked_for():
    noise = np.random.default_rng(1).standard_normal((2, 8000)) * 0.1
    noise[1, 4000:] = noise[0, 4000:]
    frames = FrameLevels()
    frames.add(noise.astype(np.float32))
    half = np.arange(100) >= 50
    assert frames.likeness(half) == pytest.approx(1, abs=1e-3)
    assert abs(frames.likeness(~half)) < 0.1


def test_nothing_at_all():
    empty = Totals(1)
    empty.add(np.zeros((1, 0), np.float32))
    assert empty.count == 0
    assert empty.peak_dbfs(0) == empty.rms_dbfs(0) == FLOOR_DBFS
    assert decibels(0) == FLOOR_DBFS


def test_frame_levels():
    frames = FrameLevels()
    now = frames.add(np.stack([sine(0.5), np.zeros(8000, np.float32)]))
    frames.add(np.stack([sine(0.05), sine(0.05)]))
    every = frames.all(2)
    assert now.shape == (2, 100) and every.shape == (2, 200)
    assert every[0, :100].mean() == pytest.approx(-9.03, abs=0.2)
    assert every[1, :100].max() == pytest.approx(FLOOR_DBFS, abs=0.1)
    assert FrameLevels().all(2).shape == (2, 0)


@pytest.mark.parametrize("hertz", [0, 50, 60, 100, 120])
def test_a_frames_level_is_of_the_band_of_speech(hertz):
    slow = np.full(8000, 0.1, np.float32) if hertz == 0 else sine(0.14, hertz=hertz)
    frames = FrameLevels()
    clean, faulty = frames.add(sine(0.01)[None]), frames.add((sine(0.01) + slow)[None])
    assert np.abs(clean - faulty).mean() < 0.7
    assert frames.add(slow[None]).mean() < -60


def test_a_frames_level_holds_the_lowest_voices():
    assert FrameLevels().add(sine(0.1, hertz=300)[None]).mean() == pytest.approx(-23, abs=1.5)


@pytest.mark.parametrize("frames", [5, 20, 50])
@pytest.mark.parametrize("count", [0, 1, 30, 1000, 140_000])
def test_smoothing_is_the_mean_power_around(frames, count):
    levels = np.random.default_rng(1).uniform(-60, 0, count).astype(np.float32)
    smooth = smoothed(levels, frames)
    assert smooth.shape == (count,)
    for at in {0, count // 2, count - 1} - {-1} if count else ():
        around = levels[max(at - frames // 2, 0) : at - frames // 2 + frames]
        mean = (10 ** (around.astype(float) / 10)).sum() / frames
        assert smooth[at] == pytest.approx(10 * np.log10(mean), abs=0.01)


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


@pytest.mark.parametrize("count", [1, 2, 3, 10, 1001])
def test_percentiles_are_those_of_numpy(count):
    values = np.random.default_rng(count).normal(-30, 10, count).astype(np.float32)
    percents = (0, 5, 25, 50, 90, 95, 100)
    assert percentiles(values, *percents) == pytest.approx(np.percentile(values, percents))
    assert median(values) == pytest.approx(np.median(values))
