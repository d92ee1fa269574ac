"""Containers that FFmpeg cuts into packets: nothing else is opened, nothing is left over."""

from __future__ import annotations

import contextlib
import io
import struct
import sys

import numpy as np
import pytest

from addon.errors import UnreadableAudio
from tests.audio.files import made, patched, tone
from tests.audio.reading import heard


@pytest.mark.parametrize("kind", ["m4a", "webm", "caf", "au", "aiff", "w64", "amr"])
def test_a_tag_in_front_costs_nothing(kind):
    content = made(kind, 1.0)
    found = heard(b"ID3\x04\0\0\0\0\0\x05hello" + content)
    assert (found.samples == heard(content).samples).all()
    assert found.covered and not found.flags


def test_a_second_audio_track_is_told():
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        streams = [file.add_stream("aac", rate=8000) for _ in range(2)]
        for stream in streams:
            stream.layout = "mono"
        for stream in streams:
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), "s16", "mono")
            frame.sample_rate, frame.pts = 8000, 0
            file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
    found = heard(out.getvalue())
    assert found.seconds == pytest.approx(1.0, abs=0.01)
    assert not found.covered and "another audio track" in found.gap


def test_an_mp4_file_that_refers_to_another_file_opens_none(tmp_path):
    """A data reference to a local file, as editors write them; FFmpeg could follow it."""
    secret = tmp_path / "other.raw"
    secret.write_bytes(b"\x11" * 100_000)
    content = made("m4a", 1.0)
    url = b"file://" + str(secret).encode() + b"\0"
    reference = struct.pack(">I4sI", 12 + len(url), b"url ", 0) + url
    old = content.index(b"dref") - 4
    size = struct.unpack_from(">I", content, old)[0]
    new = content[old : old + 16] + reference
    grown = patched(new, 0, struct.pack(">I", len(new)))
    moved = bytearray(content[:old] + grown + content[old + size :])
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        at = content.index(box) - 4
        (length,) = struct.unpack_from(">I", content, at)
        struct.pack_into(">I", moved, at, length + len(grown) - size)
    try:
        found = heard(bytes(moved))
    except UnreadableAudio:
        return
    assert found.seconds <= 1.1
    assert np.abs(found.samples).max() < 0.5


def test_a_picture_inside_is_no_audio():
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        video = file.add_stream("mpeg4", rate=10)
        video.width = video.height = 32
        audio = file.add_stream("aac", rate=8000)
        audio.layout = "mono"
        for number in range(10):
            picture = av.VideoFrame(32, 32, "yuv420p")
            picture.pts = number
            file.mux(video.encode(picture))
        samples = np.rint(tone(1.0) * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
        frame.sample_rate, frame.pts = 8000, 0
        file.mux(audio.encode(frame))
        file.mux(video.encode(None))
        file.mux(audio.encode(None))
    found = heard(out.getvalue())
    assert found.seconds == pytest.approx(1.0, abs=0.01)
    assert found.covered


@pytest.mark.parametrize("kind", ["m4a", "webm", "aiff", "au", "caf", "w64"])
def test_the_decoder_says_nothing_on_standard_error(kind, capfd):
    content = bytearray(made(kind, 2.0))
    for place in range(len(content) // 3, len(content), 97):
        content[place] ^= 0xFF
    with contextlib.suppress(UnreadableAudio):
        heard(bytes(content))
    sys.stderr.flush()
    assert capfd.readouterr().err == ""


def test_eight_channels_are_eight():
    """PyAV names nine planes for them; the ninth crashed the process."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        stream = file.add_stream("aac", rate=48000)
        stream.layout = "7.1"
        samples = np.stack([tone(1.0, 48000, hertz=200.0 * n) for n in range(1, 9)])
        packed = np.ascontiguousarray(samples.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, "flt", "7.1")
        frame.sample_rate, frame.pts = 48000, 0
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    found = heard(out.getvalue())
    assert found.samples.shape == (8, 48000)
    assert found.level(0.2, 0.8) > 0.1


def test_a_lost_part_of_a_webm_file_is_silence():
    content = made("webm", 21.0)
    clusters = [n for n in range(len(content)) if content[n : n + 4] == b"\x1f\x43\xb6\x75"]
    assert len(clusters) > 3
    cut = content[: clusters[1]] + bytes(clusters[2] - clusters[1]) + content[clusters[2] :]
    found = heard(cut)
    assert found.seconds == pytest.approx(21.0, abs=0.1)
    assert found.flags == ["damaged"] and not found.covered
    assert found.level(12, 20) > 0.15
