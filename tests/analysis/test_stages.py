"""The measurements as they stream by: any block size, any rate, any number of channels."""

import numpy as np
import pytest

from addon.analysis import stages
from addon.analysis.peaks import Peaks
from addon.analysis.stages import BLOCK, RATE_HZ, Stages
from addon.errors import UnreadableAudio
from tests.analysis.calls import key_tone


def noise(frames, channels=2):
    return np.random.default_rng(4).standard_normal((channels, frames)).astype(np.float32) * 0.05


def measured(samples, rate=RATE_HZ, block=50_000):
    stages = Stages(rate, len(samples))
    for at in range(0, samples.shape[1], block):
        stages.add(samples[:, at : at + block])
    stages.finish()
    return stages


@pytest.mark.parametrize("block", [1_000, 77_777, 10**9])
def test_blocks_do_not_matter(block):
    samples = noise(BLOCK + 12_345)
    samples[0, BLOCK - 400 : BLOCK + 400] += key_tone(6, 0.1)
    one, other = measured(samples, block=block), measured(samples)
    assert np.array_equal(one.levels.all(2), other.levels.all(2))
    assert one.tones.found == other.tones.found
    assert len(one.tones.found) == 1
    for mine, theirs in zip(one.voice.speech(6000), other.voice.speech(6000), strict=True):
        assert np.array_equal(mine, theirs)
    assert one.totals.peak_dbfs(0) == other.totals.peak_dbfs(0)


@pytest.mark.parametrize("frames", [1, 79, 1280, 1281, BLOCK, BLOCK + 1])
def test_every_sample_has_its_frame(frames):
    stages = measured(noise(frames))
    assert stages.totals.count == frames
    assert stages.levels.all(2).shape[1] * 80 >= frames
    assert stages.duration_ms == round(frames / 8)


@pytest.mark.parametrize("rate", [6000, 11025, 16000, 44100, 48000])
def test_other_rates_keep_the_length_and_the_level(rate):
    time = np.arange(rate * 3) / rate
    sine = (0.3 * np.sin(2 * np.pi * 500 * time)).astype(np.float32)
    stages = measured(sine[None], rate)
    assert stages.duration_ms == 3000
    levels = stages.levels.all(1)[0]
    assert len(levels) * 10 == pytest.approx(3000, abs=170)
    assert levels[20:280].mean() == pytest.approx(-13.5, abs=0.2)


@pytest.mark.parametrize(("channels", "heard"), [(1, 1), (2, 2), (3, 1), (8, 1)])
def test_more_than_two_channels_are_heard_as_one(channels, heard):
    stages = measured(noise(20_000, channels))
    assert stages.heard == heard
    assert len(stages.voice.speech(100)) == heard
    assert stages.levels.all(heard).shape[0] == heard


def test_keys_are_found_on_every_channel_of_many():
    samples = noise(40_000, 6) * 0.01
    samples[4, 16_000:16_800] += key_tone(2, 0.1)
    assert [tone.channel for tone in measured(samples).tones.found] == [4]


def test_the_waveform_is_drawn_where_it_is_wanted():
    stages = Stages(8000, 1)
    stages.peaks = Peaks(8000, 1)
    stages.add(noise(1000, 1))
    stages.finish()
    assert stages.peaks.as_waveform()["length"] == 4


def test_a_recording_of_more_than_a_day_is_refused(monkeypatch):
    """A few kilobytes can hold days of silence: the work must have an end."""
    monkeypatch.setattr(stages, "MAX_SECONDS", 3600)
    one = Stages(8000, 1)
    for _ in range(3600 // 60):
        one.add(np.zeros((1, 60 * 8000), np.float32))
    with pytest.raises(UnreadableAudio, match="longer than 1 hours"):
        one.add(np.zeros((1, 1), np.float32))
