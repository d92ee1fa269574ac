"""The waveform: audiowaveform version 2, however the samples arrive and however many there are."""

import numpy as np
import pytest

from addon.analysis import Options
from addon.analysis.peaks import FIRST_SAMPLES_PER_PIXEL, MAX_PIXELS, Peaks
from tests.analysis.calls import key_tone, passed, wav


def drawn(samples, block=None, muted=()):
    peaks = Peaks(8000, len(samples))
    for at in range(0, samples.shape[1], block or samples.shape[1]):
        peaks.add(samples[:, at : at + (block or samples.shape[1])])
    peaks.finish()
    return peaks.as_waveform(muted)


def noise(frames, channels=2):
    return np.random.default_rng(1).uniform(-1, 1, (channels, frames)).astype(np.float32)


def test_holds_the_extremes_of_each_pixel_interleaved():
    samples = noise(256 * 3 + 100)
    document = drawn(samples)
    assert document["version"] == 2 and document["bits"] == 8
    assert document["samples_per_pixel"] == FIRST_SAMPLES_PER_PIXEL
    assert document["length"] == 4
    data = np.array(document["data"]).reshape(4, 2, 2)
    for pixel in range(4):
        piece = samples[:, pixel * 256 : (pixel + 1) * 256]
        assert data[pixel, :, 0].tolist() == np.floor(piece.min(axis=1) * 128).tolist()
        assert data[pixel, :, 1].tolist() == np.floor(piece.max(axis=1) * 128).tolist()


@pytest.mark.parametrize("block", [100, 255, 4096, 100_000])
def test_the_block_size_changes_nothing(block):
    samples = noise(100_000)
    assert drawn(samples, block) == drawn(samples)


@pytest.mark.parametrize("merges", [1, 2, 3])
def test_long_recordings_have_fewer_pixels_of_more_samples(merges):
    per_pixel = 256 * 2**merges
    samples = noise(256 * MAX_PIXELS * 2**merges - 999, 1)
    document = drawn(samples, 700_000)
    assert document["samples_per_pixel"] == per_pixel
    assert MAX_PIXELS // 2 <= document["length"] <= MAX_PIXELS
    whole = samples[:, : samples.shape[1] // per_pixel * per_pixel].reshape(-1, per_pixel)
    data = np.array(document["data"]).reshape(-1, 2)[: len(whole)]
    assert np.array_equal(data[:, 0], np.floor(whole.min(axis=1) * 128))


def test_exactly_full_then_one_more():
    document = drawn(noise(256 * MAX_PIXELS + 1, 1))
    assert document["length"] == MAX_PIXELS // 2 + 1


def test_muted_parts_are_flat():
    document = drawn(noise(80_000), muted=[(2.0, 3.0)])
    data = np.array(document["data"]).reshape(-1, 4)
    per_second = 8000 / 256
    assert not data[int(2 * per_second) : int(3 * per_second)].any()
    assert data[: int(2 * per_second)].any(axis=1).all()


def test_the_pass_draws_what_it_archives():
    samples = noise(40_000) * 0.01
    samples[0, 16_000:16_800] += key_tone(3, 0.1)
    report, _ = passed(wav(samples), Options(waveform=True))
    document = report.as_result()["waveform"]
    assert max(document["data"]) < 10
    assert document["sample_rate"] == 8000 and document["channels"] == 2
    shown, _ = passed(wav(samples), Options(waveform=True, redact_dtmf=False))
    assert max(shown.as_result()["waveform"]["data"]) > 30


def test_no_waveform_unless_asked_for():
    assert "waveform" not in passed(wav(noise(8000)))[0].as_result()
