"""Compressed samples in WAV files: the blocks of all regions, no padding, any length field."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from addon.errors import UnreadableAudio
from tests.audio.files import chunk_place, made, patched, tone
from tests.audio.reading import heard

BLOCKS = {"gsm": 0.04, "adpcm_ima": 0.0632, "adpcm_ms": 0.0625, "g722": 0.0, "g726": 0.0}
"""Seconds of a block."""


def with_length(content: bytes, length: int) -> bytes:
    return patched(content, chunk_place(content, b"data") - 4, struct.pack("<I", length))


@pytest.mark.parametrize("kind", ["gsm", "adpcm_ms"])
def test_the_padding_of_the_last_block_is_not_heard(kind):
    samples = tone(1.013)
    assert heard(made(kind, samples)).samples.shape[1] == len(samples)


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("length", [0, 0xFFFFFFFF])
def test_a_length_that_was_never_written_is_read_as_a_stream(kind, length):
    content = made(kind, 2.0)
    found, whole = heard(with_length(content, length)), heard(content)
    assert abs(found.seconds - whole.seconds) <= 2 * BLOCKS[kind] + 1e-6
    same = min(found.samples.shape[1], whole.samples.shape[1])
    assert (found.samples[:, :same] == whole.samples[:, :same]).all()


@pytest.mark.parametrize("kind", BLOCKS)
def test_a_second_data_chunk_is_heard(kind):
    content = made(kind, 2.0)
    place = chunk_place(content, b"data")
    size = struct.unpack_from("<I", content, place - 4)[0]
    data = content[place : place + size]
    found = heard(content[: place + size] + b"data" + struct.pack("<I", size) + data)
    assert found.seconds == pytest.approx(2 * heard(content).seconds, abs=0.13)
    assert found.level(3, 3.9) > 0.15
    assert found.covered


@pytest.mark.parametrize("kind", ["gsm", "adpcm_ima", "adpcm_ms", "g726"])
def test_the_level_is_that_of_the_recording(kind):
    """Nothing at the end of a file is decoded as samples of full scale."""
    found = heard(made(kind, 1.013) + b"LIST\x04\0\0\0abcd")
    assert 0.2 < np.abs(found.samples).max() < 0.5


def test_mp3_in_wav_is_read_like_mp3():
    found = heard(made("mp3 in wav", 2.0))
    assert found.codec == "mp3"
    assert found.level(1, 1.9) > 0.15


def test_an_unknown_kind_is_named():
    content = made("gsm", 1.0)
    unknown = patched(content, chunk_place(content, b"fmt "), struct.pack("<H", 0x1234))
    with pytest.raises(UnreadableAudio, match="0x1234"):
        heard(unknown)


@pytest.mark.parametrize("parts", [("pcm16", "gsm"), ("gsm", "pcm16"), ("mu-law", "adpcm_ms")])
def test_files_of_two_kinds_laid_end_to_end_are_heard_whole(parts):
    first, second = parts
    found = heard(made(first, tone(1.0) * 0) + made(second, tone(1.0)))
    assert found.seconds == pytest.approx(2.0, abs=0.07)
    assert found.level(1.1, 1.9) > 0.15
