"""MPEG audio: where it begins and ends, what is in between, and several files in one."""

from __future__ import annotations

import io

import numpy as np
import pytest

from addon.audio.mpeg import MpegReader
from addon.audio.packets import Window
from addon.audio.tags import past_tags
from tests.audio.files import by_ffmpeg, made, tone
from tests.audio.reading import heard

ID3V2 = b"ID3\x04\0\0\0\0\x02\x05" + bytes(261)
ID3V1 = b"TAG" + b"a name".ljust(125, b"\0")
APE = (
    b"APETAGEX" + (2000).to_bytes(4, "little") + (40).to_bytes(4, "little")
    + bytes(4) + (0xA0000000).to_bytes(4, "little") + bytes(8) + b"x" * 8
    + b"APETAGEX" + (2000).to_bytes(4, "little") + (40).to_bytes(4, "little")
    + bytes(4) + (0x80000000).to_bytes(4, "little") + bytes(8)
)  # fmt: skip
LYRICS = b"LYRICSBEGININD00003110" + b"000022LYRICS200"


def with_info(samples: np.ndarray, rate: int = 8000) -> bytes:
    """An MP3 with an Info header that gives delay and padding, and without a tag."""
    content = by_ffmpeg("mp3", "libmp3lame", samples, rate)
    return content[past_tags(Window(io.BytesIO(content)), 0) :]


def frames(content: bytes) -> list[bytes]:
    """The frames behind the Info header."""
    return [packet.data for packet in MpegReader(Window(io.BytesIO(content))).packets()]


def variable(*parts: tuple[int, float]) -> bytes:
    """Frames of several bit rates in one file, and no header that counts them."""
    return b"".join(
        frame
        for bit_rate, seconds in parts
        for frame in frames(by_ffmpeg("mp3", "libmp3lame", tone(seconds), 8000, b=str(bit_rate)))
    )


def test_delay_and_padding_are_no_part_of_the_recording():
    assert heard(with_info(tone(3.0))).samples.shape == (1, 24_000)


@pytest.mark.parametrize("bit_rates", [(8000, 64000), (64000, 8000), (16000, 8000, 64000)])
def test_a_variable_bit_rate_without_a_header_is_read_to_the_end(bit_rates):
    found = heard(variable(*((bit_rate, 2.0) for bit_rate in bit_rates)))
    assert found.seconds >= 2.0 * len(bit_rates)
    assert found.level(2.0 * len(bit_rates) - 0.5, 2.0 * len(bit_rates)) > 0.15
    assert found.covered and not found.flags


@pytest.mark.parametrize("between", [b"", ID3V1, ID3V2, APE, ID3V1 + ID3V2, APE + ID3V1, LYRICS])
def test_joined_files_lose_nothing_at_the_joint(between):
    """The second begins with an Info header of its own; its tone sets in at once."""
    silent, loud = np.zeros(24_000, np.float32), tone(2.0)
    found = heard(with_info(silent) + between + with_info(loud))
    assert 5.0 <= found.seconds < 5.3
    assert found.level(3.3, 4.9) > 0.15
    assert found.covered == (between != LYRICS)


def test_a_joined_file_of_another_rate_is_converted_to_the_first_s():
    other = tone(2.0, 16_000)
    found = heard(with_info(tone(1.0) * 0) + with_info(other, 16_000))
    assert found.rate == 8000
    assert found.seconds == pytest.approx(3.0, abs=0.3)
    assert found.level(1.4, 2.8) > 0.15
    spectrum = np.abs(np.fft.rfft(found.samples[0, 12_000:20_000]))
    assert abs(int(spectrum.argmax()) - 440) <= 2


@pytest.mark.parametrize("tag", [ID3V1, APE, APE + ID3V1, LYRICS + ID3V1, b"\0" * 3000])
def test_tags_and_zeros_at_the_end_are_no_damage(tag):
    found = heard(with_info(tone(1.0)) + tag)
    assert found.samples.shape[1] == 8000
    assert found.covered and not found.flags and not found.warnings


@pytest.mark.parametrize("zeros", [1, 417, 5000, 100_000])
@pytest.mark.parametrize("tag", [b"", ID3V2])
def test_zeros_before_the_first_frame_are_passed_over(zeros, tag):
    found = heard(tag + bytes(zeros) + with_info(tone(1.0)))
    assert found.samples.shape[1] == 8000
    assert found.covered and not found.flags


def test_rubbish_before_the_first_frame_is_told():
    rubbish = np.random.default_rng(7).bytes(500)
    found = heard(rubbish + with_info(tone(1.0)))
    assert found.samples.shape[1] == 8000
    assert "500 bytes before the first frame" in found.warnings[0]
    assert not found.flags


def test_fewer_frames_than_promised_are_a_truncated_file():
    content = with_info(tone(4.0))
    rest = frames(content)
    found = heard(content[: len(content) - sum(map(len, rest[-20:]))])
    assert found.flags == ["truncated"]
    assert "gives 58 frames, and there are 38" in found.warnings[0]


def test_a_file_that_ends_inside_a_frame_does_not_cover_all():
    found = heard(with_info(tone(4.0))[:-30])
    assert "truncated" in found.flags and not found.covered


def test_more_frames_than_promised_are_all_heard():
    content = with_info(tone(2.0))
    more = b"".join(frames(made("mp3", tone(3.0))))
    found = heard(content + more)
    assert found.seconds > 5
    assert found.level(4.0, 4.9) > 0.15
    assert found.covered


def test_lost_frames_are_silence_and_what_follows_keeps_its_time():
    parts = frames(with_info(tone(6.0)))
    broken = b"".join(parts[:30]) + bytes(sum(map(len, parts[30:40]))) + b"".join(parts[40:])
    found = heard(broken)
    whole = heard(b"".join(parts))
    assert found.seconds == pytest.approx(whole.seconds, abs=1e-6)
    assert found.level(30.5 * 0.072, 38.5 * 0.072) < 0.01
    assert found.flags == ["damaged"] and not found.covered
    # The frames after the gap lack the bits that they keep in those before them.
    assert np.allclose(found.samples[0, 48 * 576 :], whole.samples[0, 48 * 576 :], atol=0.01)


def test_rubbish_behind_the_last_frame_may_be_audio():
    found = heard(with_info(tone(1.0)) + np.random.default_rng(3).bytes(5000))
    assert not found.covered
    assert "could not be read" in found.gap


@pytest.mark.parametrize(
    "noise", [b"\xff" * 200_000, b"\xff\xe3\x38\xc0" * 50_000, b"TAG." * 50_000]
)
def test_work_grows_with_the_bytes(noise):
    """Nearly frames and nearly tags, over and over: read once or twice each, not once for each."""
    reads = []

    class Counting(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            block = super().read(size)
            reads.append(len(block))
            return block

    content = with_info(tone(1.0)) + noise * (200_000 // len(noise)) + with_info(tone(1.0))
    packets = list(MpegReader(Window(Counting(content))).packets())
    assert sum(1 for packet in packets if packet.data) >= 30
    assert sum(reads) < 12 * len(content)
