"""ADTS headers, whole ones and damaged ones, and the packets between them."""

import io

import pytest

from addon.audio.adts import AdtsReader, parse
from addon.audio.packets import Window
from tests.audio.files import made

HEADER = bytes.fromhex("fff16c402e7ffc")


def packets(content: bytes) -> list:
    return list(AdtsReader(Window(io.BytesIO(content))).packets())


def test_a_header_gives_length_rate_and_channels():
    header = parse(HEADER)
    assert header is not None
    assert (header.length, header.frames, header.rate, header.channels) == (371, 1024, 8000, 1)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        HEADER[:6],
        b"\xfe" + HEADER[1:],
        b"\xff\xf3" + HEADER[2:],
        HEADER[:2] + b"\x7c" + HEADER[3:],
    ],
    ids=["empty", "short", "no sync", "a layer", "rate 15"],
)
def test_a_damaged_header_is_none(head):
    assert parse(head) is None


def test_a_length_shorter_than_the_header_is_none():
    assert parse(HEADER[:3] + b"\x40\x00\xff\xfc") is None


def test_every_packet_is_a_frame_and_a_cut_one_is_told():
    content = made("adts", 1.0)
    whole = packets(content)
    assert b"".join(packet.data for packet in whole) == content
    cut = packets(content[:-10])
    assert [packet.data for packet in cut[:-1]] == [packet.data for packet in whole[:-1]]
    assert cut[-1].fault.flag == "truncated"


def test_lost_frames_are_silence():
    content = made("adts", 2.0)
    place, length = packets(content)[5].resume, len(packets(content)[5].data)
    damaged = content[:place] + bytes([0x55]) * length + content[place + length :]
    (lost,) = [packet for packet in packets(damaged) if packet.silence]
    assert lost.silence == pytest.approx(1024, abs=1024)
    assert lost.fault.flag == "damaged"
