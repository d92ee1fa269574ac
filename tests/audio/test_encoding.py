"""Encoders: exact lengths that are known from the first bytes on, sent while they are made."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from addon.audio.encoding import ENCODERS, Shape, encoded, write_flac
from addon.audio.flac import stream_info
from tests.audio.files import tone
from tests.audio.reading import heard

KNOWN = sorted(ENCODERS)


def blocks(samples: np.ndarray):
    for begin in range(0, samples.shape[1], 3000):
        yield samples[:, begin : begin + 3000]


def as_file(wanted: str, samples: np.ndarray, rate: int = 8000) -> bytes:
    channels, frames = samples.shape
    return b"".join(encoded(blocks(samples), wanted, Shape(rate, channels, frames)))


@pytest.mark.parametrize("wanted", KNOWN)
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (8000, 2), (16_000, 1), (48_000, 2)])
@pytest.mark.parametrize("frames", [1, 576, 577, 1152, 32_000, 70_001])
def test_a_recording_comes_out_as_long_as_it_is(wanted, rate, channels, frames):
    samples = np.stack([tone(frames / rate, rate)] * channels)
    content = as_file(wanted, samples, rate)
    assert heard(content).seconds == pytest.approx(frames / rate, abs=1e-9)
    with soundfile.SoundFile(io.BytesIO(content)) as theirs:
        assert theirs.frames / theirs.samplerate == pytest.approx(frames / rate, abs=1e-9)
        assert theirs.channels == channels


@pytest.mark.parametrize("wanted", KNOWN)
def test_the_sound_stays_where_it_was(wanted):
    samples = np.zeros((1, 16_000), np.float32)
    samples[0, 8000:8040] = 0.8
    found = heard(as_file(wanted, samples))
    assert abs(int(np.abs(found.samples[0]).argmax()) - 8000) < 200


@pytest.mark.parametrize(("rate", "packet"), [(8000, 576), (24_000, 576), (48_000, 1152)])
def test_an_mp3_of_four_seconds_says_so_to_readers_of_its_header_alone(rate, packet):
    content = as_file("mp3", tone(4.0, rate)[None], rate)
    tag = content[content.index(b"Info") :]
    trims = int.from_bytes(tag[141:144], "big")
    packets = int.from_bytes(tag[8:12], "big")
    assert packets * packet - (trims >> 12) - (trims & 0xFFF) == 4 * rate
    assert (tag[120:129], tag[129] & 0xF) == (b"LAME3.100", 1)
    assert tag[140] == ENCODERS["mp3"].bit_rate(rate) / 1000
    assert int.from_bytes(tag[12:16], "big") == pytest.approx(len(content), abs=200)
    assert heard(content).seconds == soundfile.info(io.BytesIO(content)).duration == 4.0


def test_flac_knows_its_length_from_its_first_bytes():
    pieces = encoded(blocks(tone(4.0)[None]), "flac", Shape(8000, 1, 32_000))
    first = next(piece for piece in pieces if piece)
    assert stream_info(first[8:42]).frames == 32_000


def test_mp3_has_a_constant_bit_rate():
    content = as_file("mp3", tone(20.0)[None])
    assert len(content) == pytest.approx(20 * 32_000 / 8, rel=0.02)


@pytest.mark.parametrize("deep", [False, True])
def test_flac_keeps_every_sample(deep):
    samples = tone(2.0)[None] + np.float32(2**-20 if deep else 0)
    out = io.BytesIO()
    write_flac(out, blocks(samples), Shape(8000, 1, 16_000, deep))
    assert (heard(out.getvalue()).samples == samples).all()
    info = stream_info(out.getvalue()[8:42])
    assert (info.frames, info.bits) == (16_000, 24 if deep else 16)
    assert any(out.getvalue()[26:42]), "the checksum of the samples"


@pytest.mark.parametrize("wanted", KNOWN)
def test_what_the_blocks_raise_comes_out(wanted):
    def failing():
        yield tone(1.0)[None]
        raise KeyError("away")

    with pytest.raises(KeyError):
        list(encoded(failing(), wanted, Shape(8000, 1, 16_000)))
