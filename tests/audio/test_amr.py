"""AMR files: frames by their mode, damaged bytes between them, and what is not decoded."""

import io

import pytest

from addon.audio.amr import AmrReader
from addon.audio.packets import Window
from addon.errors import UnreadableAudio
from tests.audio.files import made


def packets(content: bytes) -> list:
    return list(AmrReader(Window(io.BytesIO(content))).packets())


def test_every_packet_is_20_ms():
    content = made("amr", 1.0)
    found = packets(content)
    assert b"#!AMR\n" + b"".join(packet.data for packet in found) == content
    assert {packet.frames for packet in found} == {160}
    assert {packet.codec.rate for packet in found} == {8000}


def test_wide_band_frames_have_their_own_lengths():
    frame = b"\x04" + bytes(17)
    found = packets(b"#!AMR-WB\n" + frame * 10)
    assert [len(packet.data) for packet in found] == [18] * 10
    assert found[0].codec.rate == 16000 and found[0].frames == 320


def test_a_second_file_behind_the_first_is_read_on():
    content = made("amr", 1.0)
    assert len(packets(content + content)) == 2 * len(packets(content))


def test_damaged_bytes_cost_their_time():
    content = bytearray(made("amr", 2.0))
    content[500:600] = b"\xff" * 100
    found = packets(bytes(content))
    assert any(packet.fault and packet.fault.flag == "damaged" for packet in found)
    total = sum(packet.frames + packet.silence for packet in found)
    assert total == pytest.approx(16000, abs=640)


def test_reading_begins_again_at_any_packet():
    content = made("amr", 1.0)
    found = packets(content)
    again = list(AmrReader(Window(io.BytesIO(content))).packets(found[20].resume))
    assert [packet.data for packet in again] == [packet.data for packet in found[20:]]


def test_several_channels_are_refused():
    with pytest.raises(UnreadableAudio, match="several channels"):
        packets(b"#!AMR_MC1.0\n" + bytes(100))
