"""Any range equals the same range of the whole, and is found without what lies before."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest

from addon.audio.decoding import Decoder
from addon.audio.seeking import CELL_SECONDS, index_of, samples
from tests.audio.files import FFMPEG, KINDS, RATES, made, tone

SECONDS = 2.3 * CELL_SECONDS


class Watched(io.BytesIO):
    """A file that knows how many bytes were read."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        block = super().read(size)
        self.count += len(block)
        return block


def between(content: bytes, index, first: int, last: int) -> np.ndarray:
    return np.concatenate(list(samples(Decoder(io.BytesIO(content)), index, first, last)), axis=1)


def ranges_agree(content: bytes, *, seed: int = 1, count: int = 8) -> np.ndarray:
    index = index_of(Decoder(io.BytesIO(content)))
    whole = between(content, index, 0, index.frames)
    assert whole.shape == (index.channels, index.frames)
    rng = random.Random(seed)
    edges = [cell.first for cell in index.cells] + [
        rng.randrange(index.frames) for _ in range(count)
    ]
    for edge in edges:
        first = max(edge - rng.randrange(2000), 0)
        last = min(edge + rng.randrange(1, 2000), index.frames)
        assert np.array_equal(between(content, index, first, last), whole[:, first:last])
    return whole


@pytest.mark.parametrize("kind", KINDS)
def test_any_range_is_the_same_as_in_the_whole(kind):
    content = made(kind, tone(SECONDS, RATES.get(kind, 8000)))
    found = ranges_agree(content)
    whole = np.concatenate(list(Decoder(io.BytesIO(content)).blocks()), axis=1)
    assert found.shape == whole.shape
    assert np.abs(found - whole).max() < 0.01


@pytest.mark.parametrize("kind", ["mp3", "flac", "opus", "vorbis", "adts", "amr", "webm", "mp2"])
def test_ranges_agree_in_damaged_files_too(kind):
    content = bytearray(made(kind, tone(SECONDS, RATES.get(kind, 8000))))
    rng = np.random.default_rng(11)
    for place in rng.integers(2000, len(content), 12):
        content[place : place + 40] = rng.bytes(40)
    ranges_agree(bytes(content))


@pytest.mark.parametrize(
    "pair", [("mp3", "mp3"), ("opus", "vorbis"), ("flac", "flac 24"), ("gsm", "pcm16")]
)
def test_ranges_agree_where_files_were_joined(pair):
    first, second = pair
    ranges_agree(made(first, 25.0) + made(second, tone(25.0, 16_000), 16_000))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in FFMPEG])
def test_a_range_at_the_end_reads_as_little_as_one_at_the_beginning(kind):
    content = made(kind, tone(400))
    index = index_of(Decoder(io.BytesIO(content)))
    counts = []
    for first in (0, index.frames - 1000):
        file = Watched(content)
        decoder = Decoder(file)
        file.count = 0
        list(samples(decoder, index, first, first + 1000))
        counts.append(file.count)
    assert counts[1] < max(3 * counts[0], 1_000_000) < len(content) + 1_000_000


def test_the_index_of_a_long_file_is_made_without_decoding():
    content = made("gsm", tone(100))
    file = Watched(content)
    decoder = Decoder(file)
    file.count = 0
    assert index_of(decoder).frames == 800_000
    assert file.count == 0
