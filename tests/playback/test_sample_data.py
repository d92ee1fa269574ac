"""Sample data: exact lengths beforehand, and any range of it."""

from __future__ import annotations

import pytest

from addon.audio.wav import Region
from addon.playback.decoding import SampleReader
from addon.playback.sample_data import DecodedSamples, Silence, StoredSamples, pcm16
from tests.playback.sounds import InMemory, file_of


def test_stored_samples_are_one_region_of_the_file():
    content = bytes(range(100))
    stored = StoredSamples(lambda: InMemory(content), Region(pcm16(8000, 1), 40, 20))
    assert stored.length == 20
    assert b"".join(stored.read(5, 12)) == content[45:52]


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (0, 150_000), (65_535, 65_537), (9, 9)])
def test_silence_has_the_length_that_is_read(start, stop):
    found = b"".join(Silence(200_000, b"\x80").read(start, stop))
    assert found == b"\x80" * (stop - start)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_one_channel_is_heard_on_all_and_a_missing_one_is_silent(channels):
    content = file_of(50, channels=min(channels, 2))
    index = SampleReader(InMemory(content)).index
    decoded = DecodedSamples(lambda: InMemory(content), index, pcm16(8000, channels))
    found = b"".join(decoded.read(0, decoded.length))
    assert len(found) == decoded.length == 50 * 2 * channels
    frames = [found[at : at + 2 * channels] for at in range(0, len(found), 2 * channels)]
    if channels == 3:
        assert all(frame[4:] == b"\0\0" for frame in frames)


def test_nothing_is_opened_before_a_byte_is_read():
    content = file_of(50)
    index = SampleReader(InMemory(content)).index

    def opened() -> InMemory:
        raise AssertionError("opened too early")

    assert DecodedSamples(opened, index, pcm16(8000, 2)).length == 200
    assert StoredSamples(opened, Region(pcm16(8000, 1), 0, 10)).length == 10
