"""Windows: two tones of 25 ms, whatever hum, DC and rumble lie below them."""

import numpy as np
import pytest

from addon.analysis.dtmf import HOP, PAIR, pairs, tone_windows
from tests.analysis import keys

BELOW = {
    "nothing": lambda frames: np.zeros(frames),
    "DC": lambda frames: np.full(frames, 0.1),
    "hum": lambda frames: keys.hum(frames, 50),
    "rumble": lambda frames: keys.noise(frames, 2),
}


def middle(samples: np.ndarray) -> list:
    """The windows that lie wholly in a tone from 0.1 to 0.3 s."""
    return [window for window in tone_windows(samples.astype(np.float32)) if 22 <= window.at <= 53]


def tone(digit: str = "6", **how) -> np.ndarray:
    return np.pad(keys.press(digit, 0.2, keys.LEVEL_DB, **how), (800, 800))


@pytest.mark.parametrize("below", BELOW.values(), ids=BELOW)
def test_what_lies_below_the_tones_changes_nothing(below):
    line = tone() + below(len(tone()))
    seen = middle(line)
    assert len(seen) == 32
    for window in seen:
        assert window.key == keys.KEYS.index("6")
        assert window.band > 0.9
        assert 10 * np.log10(window.power) == pytest.approx(keys.LEVEL_DB, abs=0.6)


def test_noise_shows_as_a_lower_share_of_all_than_of_the_band():
    rng = np.random.default_rng(4)
    seen = middle(tone() + 0.05 * rng.standard_normal(len(tone())))
    band, wide = (np.mean([getattr(window, name) for window in seen]) for name in ("band", "wide"))
    assert wide == pytest.approx(0.81, abs=0.05)
    assert band > wide + 0.05


@pytest.mark.parametrize("detuned", [-0.018, -0.008, 0.0, 0.015])
def test_the_offset_from_the_frequency_is_measured(detuned):
    for window in middle(tone(detuned=detuned)):
        assert window.low_offset == pytest.approx(detuned, abs=0.004)
        assert window.high_offset == pytest.approx(detuned, abs=0.004)


@pytest.mark.parametrize("twist_db", [-8.0, 4.0])
def test_the_twist_is_of_the_low_tone_over_the_high_one(twist_db):
    assert middle(tone(twist_db=twist_db))[10].twist_db == pytest.approx(-twist_db, abs=0.3)


def test_silence_and_single_tones_show_nothing():
    time = np.arange(4000) / 8000
    for samples in (np.zeros(4000), 0.1 * np.sin(2 * np.pi * 770 * time)):
        assert not list(tone_windows(samples.astype(np.float32)))


def test_pairs_of_looks_fit_whole_windows_only():
    assert [pairs(samples) for samples in (0, PAIR - 1, PAIR, PAIR + 2 * HOP)] == [0, 0, 1, 2]
