"""Bytes through the delay line: all of them, in order, soon, and in constant memory."""

import io

import numpy as np
import pytest

from addon.analysis import Options, RecordingPass, wav_input
from addon.analysis.wav_input import WavInput
from addon.audio.wav_parser import TAIL_BYTES
from tests.analysis.calls import converse, passed, wav
from tests.analysis.waves import plain, ramp

MINUTE = 60 * 8000 * 4


@pytest.fixture(scope="module")
def recording() -> bytes:
    return wav(converse(300, 3).samples)


@pytest.mark.parametrize("block", [333, 65536, 1 << 21, 1 << 30])
def test_returns_every_byte(recording, block):
    report, archived = passed(recording[: 2 * MINUTE], block=max(block, 3000))
    assert archived == recording[: 2 * MINUTE]
    assert report.duration_seconds == pytest.approx(120, abs=0.01)


def test_holds_back_about_a_minute_however_long_the_recording(recording):
    one = RecordingPass(Options(), spool=io.BytesIO)
    fed = released = furthest = 0
    for at in range(0, len(recording), 65536):
        block = recording[at : at + 65536]
        fed += len(block)
        released += len(one.feed(block))
        furthest = max(furthest, fed - released)
    assert furthest < 2.2 * MINUTE
    assert released > 2 * MINUTE


def test_without_redaction_bytes_leave_as_soon_as_they_are_measured(recording):
    one = RecordingPass(Options(redact_dtmf=False), spool=io.BytesIO)
    held = len(recording) - len(one.feed(recording))
    assert held < 4 * 2**18 + 44 + TAIL_BYTES


def test_block_sizes_do_not_change_the_figures(recording):
    start = recording[: 80 * 32_000]
    whole, _ = passed(start, block=len(start))
    pieces, _ = passed(start, block=4321)
    assert whole.as_result() == pieces.as_result()


JOINED = [
    ({"rate": 8000}, 2),
    ({"rate": 16000}, 2),
    ({"rate": 11025}, 1),
    ({"rate": 8000}, 1),
    ({"rate": 8000}, 4),
    ({"rate": 48000}, 1),
]


@pytest.mark.parametrize(("kind", "channels"), JOINED)
@pytest.mark.parametrize("block", [1 << 20, 5003])
def test_a_second_file_of_any_format_is_heard_and_muted_in_its_own(kind, channels, block):
    """The digits of the second are found through the conversion; its bytes stay as they are."""
    rate = kind["rate"]
    quiet = np.random.default_rng(4).standard_normal((3 * rate, channels)) * 30
    dialled = quiet.copy()
    spans = [(round((1 + n * 0.2) * rate), round((1.1 + n * 0.2) * rate)) for n in range(3)]
    for key, (first, last) in enumerate(spans):
        dialled[first:last, -1] += key_tone_at(rate, key, last - first) * 6000
    first, second = plain(ramp(8000)), plain(dialled.astype("<i2"), **kind)
    report, archived = passed(first + second, block=block)
    assert report.duration_seconds == pytest.approx(4.0, abs=0.002)
    assert sum(len(one.tones) for one in report.participants) >= 3
    assert archived[: len(first) + 44] == (first + second)[: len(first) + 44]
    after = np.frombuffer(archived[len(first) + 44 :], "<i2").reshape(-1, channels)
    assert not after[spans[0][0] : spans[-1][1]].any()
    assert (after[: round(0.8 * rate)] == dialled[: round(0.8 * rate)].astype("<i2")).all()


def key_tone_at(rate: int, key: int, frames: int) -> np.ndarray:
    time = np.arange(frames) / rate
    low, high = (697, 770, 852, 941)[key // 4], (1209, 1336, 1477, 1633)[key % 4]
    return np.sin(2 * np.pi * low * time) + np.sin(2 * np.pi * high * time)


def test_a_second_file_that_needs_a_decoder_is_told():
    gsm = wav(converse(10, 1).samples[:1], subtype="GSM610")
    report, archived = passed(plain() + gsm)
    assert archived == plain() + gsm
    assert "damaged" in report.flags
    assert any("neither measured nor muted" in warning for warning in report.warnings)


def test_what_would_wait_too_long_goes_through_the_spool(monkeypatch):
    """A large chunk behind the samples, and unusual formats: memory stays flat for them too."""
    monkeypatch.setattr(wav_input, "MAX_HELD_BYTES", 100_000)
    recording = plain(tones(20)) + b"junk" + (400_000).to_bytes(4, "little") + bytes(400_000)
    recording += plain(tones(20))
    spools = []

    def spool():
        spools.append(io.BytesIO())
        return spools[-1]

    one = RecordingPass(Options(), spool=spool)
    blocks = [one.feed(recording[at : at + 4096]) for at in range(0, len(recording), 4096)]
    archived = b"".join([*blocks, *one.finish()])
    assert len(spools) == 1 and spools[0].tell() > 400_000
    assert archived == passed(recording, block=1 << 24)[1]
    assert archived != recording


def tones(seconds: int) -> np.ndarray:
    samples = np.random.default_rng(2).standard_normal((seconds * 8000, 2)) * 30
    for at in range(8000, len(samples) - 8000, 16000):
        samples[at : at + 800, 0] += key_tone_at(8000, 5, 800) * 5000
    return samples.astype("<i2")


def test_only_whole_chunks_are_measured_before_a_region_ends():
    """The figures may not depend on how the bytes came."""
    source = WavInput(io.BytesIO, lambda _: None, redact=True)
    source.feed(plain(np.tile(ramp(), (100, 1)))[:-1000])
    assert source.stages.totals.count % wav_input.CHUNK_FRAMES == 0
