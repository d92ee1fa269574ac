"""Levels are evened out for the detector, and its answers put on the 10 ms grid."""

import numpy as np
import pytest

from addon.analysis.levels import FrameLevels
from addon.analysis.voice import MAX_GAIN, MIN_GAIN, Loudness, Voice
from tests.analysis.calls import converse, f1


def row(db, frames=6400):
    return np.full((1, frames), db, np.float32)


@pytest.mark.parametrize("db", [-23, -12, -40, -50])
def test_gain_brings_speech_to_the_usual_level(db):
    gain = Loudness(1).gains(row(db))
    assert 20 * np.log10(gain[0]) == pytest.approx(-23 - db, abs=0.6)


def test_gain_has_bounds():
    assert Loudness(1).gains(row(-120)) == MAX_GAIN
    assert Loudness(1).gains(row(0)) == MIN_GAIN


def test_half_of_the_past_is_forgotten():
    loudness = Loudness(1)
    loud = loudness.gains(row(-20))
    steps = [float(loudness.gains(row(-50))[0]) for _ in range(8)]
    assert steps[0] == pytest.approx(float(loud[0]))
    assert steps[-1] > 10 * loud[0]


def test_a_few_loud_frames_decide():
    levels = row(-70)
    levels[:, :400] = -30
    assert 20 * np.log10(Loudness(1).gains(levels)[0]) == pytest.approx(7, abs=0.6)


@pytest.mark.parametrize("db", [0, -20, -35])
def test_hears_speech_at_any_level(db):
    call = converse(60, 5)
    samples = (call.samples * 10 ** (db / 20)).astype(np.float32)[:, : 60 * 8000 // 1280 * 1280]
    voice = Voice(2)
    voice.add(samples, FrameLevels().add(samples))
    assert f1(np.stack(voice.speech(6000)), call.speech) > 90


def test_nothing_was_added():
    assert [mask.tolist() for mask in Voice(2).speech(3)] == [[False] * 3] * 2
