"""WAV headers: those that are read, those that are left to a decoder, and those we write."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.playback import wave
from addon.playback.wave import Format, header, parse_wave
from tests.playback.sounds import decoded, file_of, samples


def parsed(content: bytes) -> wave.Wave | None:
    return parse_wave(lambda start, stop: content[start:stop], len(content))


@pytest.mark.parametrize(
    ("kind", "tag", "bits"),
    [
        ("pcm16", wave.PCM, 16),
        ("pcm8", wave.PCM, 8),
        ("pcm24", wave.PCM, 24),
        ("float", wave.FLOAT, 32),
        ("mu-law", wave.MU_LAW, 8),
        ("a-law", wave.A_LAW, 8),
    ],
)
def test_plain_kinds_are_laid_out_to_the_byte(kind, tag, bits):
    content = file_of(1000, kind=kind)
    found = parsed(content)
    assert found.format == Format(tag, 2, 8000, bits)
    assert found.length == 1000 * 2 * bits // 8
    assert found.format.tag in wave.PLAIN


@pytest.mark.parametrize("kind", ["gsm", "ima", "ms"])
def test_kinds_that_browsers_do_not_play_are_known(kind):
    channels = 1
    assert parsed(file_of(5000, kind=kind, channels=channels)).format.tag in wave.UNPLAYABLE


@pytest.mark.parametrize("kind", ["flac", "mp3", "ogg"])
def test_what_is_no_wav_file_has_no_layout(kind):
    assert parsed(file_of(5000, kind=kind)) is None


PCM16 = file_of(100)


def with_length(declared: int) -> bytes:
    at = PCM16.index(b"data") + 4
    return PCM16[:at] + struct.pack("<I", declared) + PCM16[at + 4 :]


@pytest.mark.parametrize("declared", [0, 0xFFFFFFFF, 0x7FFFFFFF, 100_000])
def test_a_length_that_was_never_written_means_to_the_end(declared):
    assert parsed(with_length(declared)) == parsed(PCM16)


def test_bytes_behind_the_samples_are_not_samples():
    assert parsed(PCM16 + b"LIST\x04\0\0\0abcd") == parsed(PCM16)


def test_half_a_frame_at_the_end_is_left_out():
    assert parsed(PCM16[:-1]).length == 99 * 4


def test_chunks_before_the_samples_are_passed_over_even_far_away():
    far = b"junk" + struct.pack("<I", 10_001) + bytes(10_002)
    content = PCM16[:12] + far + PCM16[12:]
    found = parsed(content)
    assert content[found.start :] == PCM16[44:]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        PCM16[:30],
        PCM16[:12] + b"data\x04\0\0\0abcd",
        b"RIFX" + PCM16[4:],
        PCM16[:12] + b"junk\0\0\0\0" * 100 + PCM16[12:],
        PCM16[:16] + struct.pack("<I", 4) + PCM16[20:24],
    ],
)
def test_a_file_that_makes_no_sense_has_no_layout(content):
    assert parsed(content) is None


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything(noise):
    parsed(PCM16[:12] + noise)
    parsed(noise)


def test_a_decoder_reads_what_we_write():
    data = samples(500).tobytes()
    found, rate = decoded(header(Format(wave.PCM, 2, 8000, 16), len(data)) + data)
    assert (rate, found.tobytes()) == (8000, data)


@pytest.mark.parametrize("kind", ["mu-law", "a-law", "float"])
def test_other_kinds_keep_their_meaning_behind_our_header(kind):
    content = file_of(500, kind=kind)
    layout = parsed(content)
    data = content[layout.start : layout.start + layout.length]
    again = header(layout.format, layout.length) + data
    assert (decoded(again)[0] == decoded(content)[0]).all()
    assert parsed(again) == layout._replace(start=len(again) - len(data))


def test_more_than_riff_can_count_is_announced_as_a_stream():
    large = header(Format(wave.PCM, 2, 8000, 16), 5 * 2**30)
    assert large[4:8] == large[40:44] == b"\xff" * 4


@pytest.mark.parametrize(
    ("kind", "byte"),
    [((wave.PCM, 8), 0x80), ((wave.PCM, 16), 0), ((wave.MU_LAW, 8), 0xFF), ((wave.A_LAW, 8), 0xD5)],
)
def test_silence_is_silent(kind, byte):
    tag, bits = kind
    form = Format(tag, 1, 8000, bits)
    assert form.silence == bytes([byte])
    found, _ = decoded(header(form, 80) + form.silence * 80)
    assert abs(found.astype(int)).max() <= 8
