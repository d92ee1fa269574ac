"""Runs of other rates and channels: as long as their time says, at their level."""

import numpy as np
import pytest

from addon.audio.conversion import Converter, mapped
from addon.audio.decoders import Run


def noise(frames: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 0.1, (channels, frames)).astype(np.float32)


def converted(converter: Converter, *runs: Run) -> list[np.ndarray]:
    return [*(part for run in runs for part in converter.add(run)), *converter.end()]


def test_a_run_of_the_wanted_rate_and_channels_passes_untouched():
    samples = noise(100, 2)
    (out,) = converted(Converter(8000, 2), Run(8000, samples))
    assert out is samples


@pytest.mark.parametrize("rate", [6000, 11025, 16000, 44100, 48000])
@pytest.mark.parametrize("pieces", [1, 7])
def test_a_resampled_run_is_as_long_as_its_time(rate, pieces):
    runs = [Run(rate, part) for part in np.array_split(noise(rate * 2 + 5), pieces, axis=1)]
    out = np.concatenate(converted(Converter(8000, 1), *runs), axis=1)
    assert out.shape[1] == round((rate * 2 + 5) * 8000 / rate)


def test_a_change_of_rate_loses_nothing():
    runs = [Run(16000, noise(16000)), Run(8000, noise(8000)), Run(44100, noise(44100))]
    assert sum(part.shape[1] for part in converted(Converter(8000, 1), *runs)) == 24000


def test_a_run_of_a_few_frames_is_completed_with_silence():
    out = np.concatenate(converted(Converter(48000, 1), Run(8000, noise(2))), axis=1)
    assert out.shape == (1, 12)


def test_one_channel_is_heard_on_all():
    assert np.array_equal(mapped(noise(10), 2), np.repeat(noise(10), 2, axis=0))


def test_more_channels_than_wanted_are_added_up_at_full_level():
    samples = noise(10, 3)
    assert np.allclose(mapped(samples, 1), samples.sum(axis=0))


def test_channels_that_are_missing_are_silent():
    out = mapped(noise(10, 2), 3)
    assert np.array_equal(out[:2], noise(10, 2)) and not out[2].any()
