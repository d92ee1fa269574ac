"""The strongest frequencies of each tenth of a second, and whether they stay."""

import numpy as np
import pytest

from addon.analysis.levels import FrameLevels
from addon.analysis.tonality import Spectra, Tonality
from tests.analysis import calls, lines

SECONDS = 8


def spectra(samples, probability=0.0, pieces=1) -> Spectra:
    samples = np.asarray(samples, np.float32)[None]
    tonality = Tonality(1)
    for piece in np.split(samples, pieces, axis=1):
        heard = np.full((1, piece.shape[1] // 256), probability, np.float32)
        tonality.add(piece, FrameLevels().add(piece), heard)
    return tonality.spectra()[0]


def hiss(db=-40):
    return np.random.default_rng(1).standard_normal(SECONDS * 8000) * 10 ** (db / 20)


@pytest.mark.parametrize("hertz", [(425,), (440, 480), (350, 440), (480, 620), (1100,)])
def test_frequencies_of_tones_are_known_to_a_hertz_or_two(hertz):
    seen = spectra(lines.tone(hertz, SECONDS) + hiss(-56))
    measured = np.sort(seen.hertz, axis=1)[:, : len(hertz)]
    assert np.median(measured, axis=0) == pytest.approx(hertz, abs=2)
    assert np.median(seen.share) > 0.95


def test_one_tone_has_no_second():
    assert np.isnan(spectra(lines.tone((425,), SECONDS)).hertz[:, 1]).all()


@pytest.mark.parametrize("music", [lines.chord, lines.tune, calls.music])
def test_music_stays_and_noise_does_not(music):
    assert np.nanmean(spectra(music(SECONDS)).steady) > 0.5
    assert abs(np.nanmean(spectra(hiss()).steady)) < 0.03


def test_quiet_sound_and_speech_are_not_analysed():
    assert np.isnan(spectra(lines.chord(SECONDS, db=-60)).share).all()
    assert np.isnan(spectra(lines.chord(SECONDS), probability=0.9).share).all()


def test_a_pause_parts_what_is_compared():
    samples = lines.chord(SECONDS)
    samples[8000:16000] = 0
    seen = spectra(samples)
    assert np.isnan(seen.steady[[0, 20]]).all()
    assert np.isnan(seen.share[11:19]).all()


def test_blocks_do_not_matter_but_for_the_first_comparison():
    whole, parts = spectra(lines.tune(SECONDS)), spectra(lines.tune(SECONDS), pieces=2)
    assert np.array_equal(whole.hertz, parts.hertz, equal_nan=True)
    assert np.array_equal(whole.share, parts.share, equal_nan=True)


def test_nothing_was_added():
    assert [len(one.share) for one in Tonality(2).spectra()] == [0, 0]
