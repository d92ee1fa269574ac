"""FLAC: lengths that are wrong, streams laid end to end, frames that are damaged."""

from __future__ import annotations

import io

import numpy as np
import pytest

from addon.audio.flac import FlacReader, stream_info
from addon.audio.packets import Window
from tests.audio.files import made, patched, tone
from tests.audio.reading import heard

SAMPLES = tone(3.0)
FILE = made("flac", SAMPLES)


def with_length(frames: int, content: bytes = FILE) -> bytes:
    count = bytes([content[21] & 0xF0 | frames >> 32]) + (frames & 0xFFFFFFFF).to_bytes(4, "big")
    return patched(content, 21, count)


def frames(content: bytes) -> list[tuple[int, int]]:
    """Where each frame begins, and its length in bytes."""
    packets = FlacReader(Window(io.BytesIO(content))).packets()
    return [(packet.resume[1], len(packet.data)) for packet in packets if packet.data]


@pytest.mark.parametrize("length", [0, 1, 8000, 24_000])
def test_a_length_in_the_header_that_is_too_small_ends_nothing(length):
    found = heard(with_length(length))
    assert (found.samples[0] == SAMPLES).all()
    assert found.covered and not found.flags


def test_a_length_that_is_too_large_is_a_truncated_file():
    found = heard(with_length(80_000))
    assert (found.samples[0] == SAMPLES).all()
    assert found.flags == ["truncated"] and "80000 samples; there are 24000" in found.warnings[0]


def test_joined_files_are_heard_one_after_the_other():
    deep = made("flac 24", tone(1.0, 16_000), 16_000)
    found = heard(FILE + b"ID3\x04\0\0\0\0\0\x05hello" + deep + FILE)
    assert found.samples.shape[1] == 24_000 + 8_000 + 24_000
    assert (found.samples[0, -24_000:] == SAMPLES).all()
    assert found.covered and not found.flags


def test_the_part_of_a_frame_where_two_files_are_joined_is_told():
    found = heard(FILE[: len(FILE) // 2] + FILE)
    assert not found.covered and found.flags == ["truncated"]
    assert found.seconds > 4.0


def test_streams_without_a_frame_are_not_searched_for_ever():
    """Each was searched for a frame to the end of the file: 2 MB took minutes."""
    found = heard(FILE + b"fLaC\0\0\0\x22" * 20_000)
    assert (found.samples[0] == SAMPLES).all()
    assert not found.covered and "damaged" in found.flags and len(found.warnings) < 30


def test_a_damaged_frame_is_silence_and_the_others_keep_their_time():
    place, length = frames(FILE)[2]
    found = heard(patched(FILE, place + 40, bytes(length - 60)))
    assert found.flags == ["damaged"] and not found.covered
    assert found.samples.shape[1] == 24_000
    assert not found.samples[0, 8192:12_288].any()
    assert (found.samples[0, 12_288:] == SAMPLES[12_288:]).all()


def test_missing_frames_are_silence():
    places = frames(FILE)
    cut = FILE[: places[1][0]] + FILE[places[3][0] :]
    found = heard(cut)
    assert found.flags == ["damaged"]
    assert found.samples.shape[1] == 24_000
    assert (found.samples[0, 12_288:] == SAMPLES[12_288:]).all()


@pytest.mark.parametrize("tag", [b"TAG" + bytes(125), bytes(2000), b"rubbish " * 300])
def test_what_follows_the_last_frame_costs_it_nothing(tag):
    found = heard(FILE + tag)
    assert (found.samples[0] == SAMPLES).all()
    assert found.covered == (b"rubbish" not in tag)


@pytest.mark.parametrize("bits", [15, 20])
def test_unusual_sample_sizes_are_read(bits):
    """STREAMINFO says so, and the frames leave it to STREAMINFO (size code 0)."""
    info = bytearray(FILE[8:42])
    packed = 8000 << 44 | bits - 1 << 36 | 4096
    info[:4], info[10:18] = b"\x10\0\x10\0", packed.to_bytes(8, "big")
    head = b"\xff\xf8\xc0\0\0"
    constant = (1 << bits - 2) << (-bits % 8)
    body = head + bytes([_crc8(head)]) + b"\0" + constant.to_bytes(-(-bits // 8), "big")
    frame = body + _crc16(body).to_bytes(2, "big")
    found = heard(b"fLaC\x80\0\0\x22" + info + frame)
    assert stream_info(bytes(info)).bits == bits
    assert found.samples.shape == (1, 4096)
    assert (found.samples == 0.5).all()


def _crc8(content: bytes) -> int:
    crc = 0
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07 if crc & 0x80 else crc << 1) & 0xFF
    return crc


def _crc16(content: bytes) -> int:
    crc = 0
    for byte in content:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x8005 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def test_the_rate_of_the_frames_counts_where_the_header_has_another():
    packed = int.from_bytes(FILE[18:26], "big") & ~(0xFFFFF << 44) | 44_100 << 44
    assert heard(patched(FILE, 18, packed.to_bytes(8, "big"))).rate == 8000


def test_the_decoded_length_has_a_limit_though_the_file_is_small():
    silence = made("flac", np.zeros(8000 * 600, np.float32))
    assert len(silence) < 30_000
    assert heard(silence).seconds == 600


def test_the_letters_of_a_stream_inside_a_frame_begin_no_stream():
    """Compressed audio holds any four bytes now and then."""
    noise = np.random.default_rng(5).integers(-32768, 32768, 40_000)
    noise[20_000:20_002] = np.frombuffer(b"fLaC", ">i2")  # such noise is stored as it is
    samples = (noise / 32768).astype(np.float32)
    content = made("flac", samples)
    assert content.count(b"fLaC") == 2
    found = heard(content)
    assert (found.samples[0] == samples).all()
    assert found.covered and not found.flags
    both = heard(content + content)
    assert len(both.samples[0]) == 80_000 and both.covered
