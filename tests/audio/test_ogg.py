"""Ogg: chained streams, pages that are missing or damaged, and the exact length."""

from __future__ import annotations

import io
import shutil
import subprocess

import numpy as np
import pytest

from addon.audio.ogg_pages import Page, pages_of
from addon.audio.packets import Window
from addon.errors import UnreadableAudio
from tests.audio.files import by_ffmpeg, made, tone
from tests.audio.reading import heard

KINDS = ["opus", "vorbis", "ogg flac"]


def pages(content: bytes) -> list[Page]:
    return [page for page, _ in pages_of(Window(io.BytesIO(content)), 0) if page]


def without_page(content: bytes, number: int) -> bytes:
    places = [page.position for page in pages(content)]
    return content[: places[number]] + content[places[number + 1] :]


def small_pages(kind: str, samples: np.ndarray) -> bytes:
    """A file with a page for every fifth of a second."""
    encoder, rate = {"opus": ("libopus", 48000), "ogg flac": ("flac", 8000)}[kind]
    return by_ffmpeg("ogg", encoder, samples, rate, page_duration="200000")


def beside(first: bytes, second: bytes) -> bytes:
    """Two streams multiplexed: both begin before either goes on."""
    places = [page.position for page in pages(first)]
    others = [page.position for page in pages(second)]
    return (
        first[: places[1]] + second[: others[1]] + first[places[1] :] + second[others[1] :]
    )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seconds", [0.05, 1.0, 3.33])
def test_the_length_is_exact(kind, seconds):
    assert heard(made(kind, seconds)).seconds == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
def test_a_chained_stream_is_heard_in_the_first_s_rate(first, second):
    rate = 8000 if second == "ogg flac" else 16_000
    content = made(first, tone(1.0) * 0) + made(second, tone(2.0, rate), rate)
    found = heard(content)
    assert found.rate == 8000
    assert found.seconds == pytest.approx(3.0, abs=1e-6)
    assert found.level(0.1, 0.9) < 0.01 < 0.15 < found.level(1.1, 2.9)
    assert found.covered and not found.flags


def test_a_chained_stereo_stream_is_mixed_into_one_channel():
    import soundfile

    out = io.BytesIO()
    right = np.stack([tone(1.0) * 0, tone(1.0)], axis=1)
    soundfile.write(out, right, 8000, format="OGG", subtype="VORBIS")
    found = heard(made("vorbis", tone(1.0) * 0) + out.getvalue())
    assert found.samples.shape[0] == 1
    assert found.level(1.1, 1.9) > 0.09


@pytest.mark.parametrize("kind", ["opus", "vorbis"])
def test_a_missing_page_is_silence_and_what_follows_keeps_its_time(kind):
    content = made(kind, np.concatenate([tone(6.0), tone(6.0) * 0, tone(6.0)]))
    number = len(pages(content)) // 2
    found = heard(without_page(content, number))
    assert found.seconds == pytest.approx(18.0, abs=0.01)
    assert found.level(12.5, 17.5) > 0.15
    assert found.flags == ["damaged"] and not found.covered


@pytest.mark.parametrize("kind", ["opus", "vorbis"])
def test_a_page_with_one_changed_byte_is_not_decoded(kind):
    content = bytearray(made(kind, 18.0))
    page = pages(bytes(content))[len(pages(bytes(content))) // 2]
    content[page.position + 300] ^= 0x10
    found = heard(bytes(content))
    assert found.flags == ["damaged"] and not found.covered
    assert found.seconds == pytest.approx(18.0, abs=0.01)


def test_a_stream_beside_the_first_is_not_taken_for_one_behind_it():
    """The first pages of two streams that are laid into each other come both at the beginning."""
    found = heard(beside(made("opus", 2.0), made("vorbis", tone(3.0))))
    assert found.codec == "opus"
    assert found.seconds == pytest.approx(2.0, abs=1e-6)


def test_a_file_without_its_last_page_is_truncated():
    content = made("opus", 18.0)
    found = heard(content[: pages(content)[-1].position])
    assert found.flags == ["truncated"]
    assert found.seconds > 10


def test_a_stream_that_begins_in_the_middle_is_not_filled_up():
    """A recorder that joined late: the granule positions count from the broadcast's beginning."""
    content = made("vorbis", 18.0)
    found = heard(without_page(without_page(content, 2), 2))
    assert 5 < found.seconds < 18


# Named, because the encoder numbers its streams at random: pytest's workers must agree on names.
@pytest.mark.parametrize(
    "content", [b"OggS" + bytes(500), made("opus", 1.0)[:47]], ids=["zeros", "a header alone"]
)
def test_without_audio_there_is_nothing_to_hear(content):
    with pytest.raises(UnreadableAudio):
        heard(content)


@pytest.mark.skipif(shutil.which("speexenc") is None, reason="no speexenc here")
@pytest.mark.parametrize("rate", [8000, 16_000, 32_000])
def test_speex_is_read(tmp_path, rate):
    wav, speex = tmp_path / "in.wav", tmp_path / "out.spx"
    wav.write_bytes(made("pcm16", tone(4.0, rate), rate))
    subprocess.run(["speexenc", str(wav), str(speex)], check=True, capture_output=True, timeout=60)
    content = speex.read_bytes()
    found = heard(content + content)
    assert (found.codec, found.rate) == ("speex", rate)
    assert found.seconds == pytest.approx(8.0, abs=0.1)
    assert found.level(0.5, 3.5) > 0.1 and found.level(4.5, 7.5) > 0.1
    assert found.covered and not found.flags


@pytest.mark.parametrize("kind", KINDS)
def test_the_part_of_a_page_where_two_files_are_joined_is_told(kind):
    whole = made(kind, 6.0)
    found = heard(whole[: len(whole) * 2 // 3] + whole)
    assert found.flags and not found.covered


def test_audio_in_a_stream_beside_the_first_is_told():
    found = heard(beside(made("vorbis", 2.0), made("opus", tone(3.0) * 0)))
    assert found.seconds == pytest.approx(2.0, abs=0.001)
    assert not found.covered and "another audio stream" in found.gap


def test_pages_of_a_stream_without_its_beginning_are_told():
    cut = made("opus", tone(2.0) * 0)
    found = heard(made("vorbis", 2.0) + cut[pages(cut)[1].position :])
    assert not found.covered and "damaged" in found.flags
    found = heard(cut[pages(cut)[2].position :] + made("vorbis", 2.0))
    assert not found.covered and "damaged" in found.flags


def test_what_is_lost_before_the_last_page_keeps_its_time():
    content = small_pages("opus", tone(3.0, 48000))
    found = heard(without_page(content, len(pages(content)) - 2))
    assert found.seconds == pytest.approx(3.0, abs=0.001)
