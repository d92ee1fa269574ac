"""Every kind is decoded to its end; what is missing or broken is said, and keeps its time."""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest

from addon.audio import decoding
from addon.audio.decoding import Decoder
from addon.errors import Tampered, UnreadableAudio
from tests.audio.files import KINDS, RATES, made, tone
from tests.audio.reading import heard

LOSSLESS = {"flac", "flac 24", "aiff", "caf", "w64", "pcm16", "pcm24", "float", "rifx"}
DELAYED = {"mp3 in wav", "mp2", "adts", "amr", "webm"}
"""Kinds in which no header tells how late the encoder is."""

LAST_BLOCK = {"adpcm_ima": 0.07, "mp3 in wav": 0.3, "mp2": 0.2, "adts": 0.3, "amr": 0.06}
"""Seconds that a file may be longer, as its last block holds more than was recorded."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_file_is_decoded_whole(kind):
    content = made(kind, 3.0)
    found = heard(content)
    slack = LAST_BLOCK.get(kind, 0.02 if kind == "webm" else 1e-9)
    assert 3.0 - 1e-9 <= found.seconds <= 3.0 + slack
    assert found.covered and not found.flags and not found.gap
    assert found.rate == RATES.get(kind, 8000)
    assert 0.15 < found.level(0.5, 2.5) < 0.25


@pytest.mark.parametrize("kind", sorted(LOSSLESS))
def test_lossless_kinds_keep_every_sample(kind):
    samples = tone(1.0)
    assert (heard(made(kind, samples)).samples[0] == samples).all()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in DELAYED])
def test_a_moment_is_where_it_was_recorded(kind):
    """A click in the middle of silence comes out at its own time."""
    rate = RATES.get(kind, 8000)
    samples = np.zeros(2 * rate, np.float32)
    samples[rate : rate + 40] = 0.8
    found = heard(made(kind, samples))
    peak = int(np.abs(found.samples[0]).argmax())
    assert abs(peak - rate) < 0.02 * rate


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("m4a", "alac")])
def test_a_file_that_breaks_off_is_decoded_as_far_as_it_goes(kind):
    content = made(kind, 8.0)
    found = heard(content[: len(content) * 3 // 4])
    assert 4.5 < found.seconds < 8
    assert found.level(0.5, 4) > 0.15
    whole_frames = kind in ("adts", "amr", "mp2", "mp3 in wav", "mp3")
    assert "truncated" in found.flags or "damaged" in found.flags or whole_frames


@pytest.mark.parametrize("kind", ["mp3", "flac", "vorbis", "opus", "adts", "amr", "mp2", "webm"])
def test_bytes_destroyed_in_the_middle_cost_no_more_than_their_time(kind):
    content = bytearray(made(kind, 10.0))
    begin, few = len(content) // 3, max(len(content) // 50, 200)
    content[begin : begin + few] = np.random.default_rng(5).bytes(few)
    found = heard(bytes(content))
    assert "damaged" in found.flags
    assert not found.covered and found.gap
    assert found.seconds == pytest.approx(10.0, abs=0.5)
    assert found.level(0.5, 2.5) > 0.15 and found.level(6, 9) > 0.15


@pytest.mark.parametrize("kind", ["mp3", "flac", "opus", "amr", "adts"])
def test_a_file_laid_behind_another_of_its_kind_is_heard_too(kind):
    loud = tone(2.0, RATES.get(kind, 8000))
    found = heard(made(kind, loud * 0) + made(kind, loud))
    assert found.seconds == pytest.approx(4.0, abs=0.4)
    assert found.level(0.2, 1.7) < 0.01 < 0.15 < found.level(2.4, 3.7)
    assert found.covered and not found.flags


@pytest.mark.parametrize("content", [b"", b"no audio", bytes(5000), b"fLaC" + bytes(99)])
def test_what_nothing_decodes_is_unreadable(content):
    with pytest.raises(UnreadableAudio):
        heard(content)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "amr"])
def test_a_header_without_audio_is_unreadable(kind):
    with pytest.raises(UnreadableAudio):
        heard(made(kind, 1.0)[:20])


def test_more_than_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_SECONDS", 2)
    with pytest.raises(UnreadableAudio, match="longer than"):
        heard(made("flac", np.zeros(8000 * 60, np.float32)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_failing_file_is_no_end_of_the_recording(kind):
    content = made(kind, 60.0)
    for limit in (len(content) // 3, 0):
        with pytest.raises(Tampered):
            list(Decoder(Failing(content, limit)).blocks())


class Failing(io.BytesIO):
    """A file that cannot be read from a byte on."""

    def __init__(self, content: bytes, limit: int) -> None:
        super().__init__(content)
        self._limit = limit

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() + (size if size and size > 0 else 1 << 30) > self._limit:
            raise Tampered("changed")
        return super().read(size)


def test_memory_does_not_grow_with_the_recording():
    def peak(seconds: int) -> int:
        content = made("mp3", np.zeros(8000 * seconds, np.float32))
        tracemalloc.start()
        for _ in Decoder(io.BytesIO(content)).blocks():
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(600) < peak(150) + 1_000_000


def test_a_plain_wav_file_is_read_without_the_library_for_other_kinds():
    import subprocess
    import sys

    script = (
        "import io, sys, wave\n"
        "from addon.audio.decoding import Decoder\n"
        "out = io.BytesIO()\n"
        "with wave.open(out, 'wb') as file:\n"
        "    file.setparams((1, 2, 8000, 0, 'NONE', ''))\n"
        "    file.writeframes(bytes(1600))\n"
        "assert sum(b.shape[1] for b in Decoder(out).blocks()) == 800\n"
        "assert 'av' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
