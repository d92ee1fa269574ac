"""What is muted: padded, joined, silent in its own encoding, and not a byte more."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.analysis import Options, muting
from addon.analysis.muting import HeardRegion
from addon.audio.wav_format import PCM, Format
from addon.audio.wav_packets import layout_of
from tests.analysis.calls import RATE, key_tone, passed, wav
from tests.analysis.waves import chunk, format_chunk, plain, riff

SUBTYPES = ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "ULAW", "ALAW"]


def dialled(at: float = 3.0, seconds: float = 8.0, keys: int = 4) -> np.ndarray:
    rng = np.random.default_rng(6)
    samples = rng.standard_normal((2, int(seconds * RATE))).astype(np.float32) * 0.01
    for index in range(keys):
        start = int((at + 0.2 * index) * RATE)
        samples[1, start : start + 800] += key_tone(index, 0.1)
    return samples


@pytest.mark.parametrize(
    ("tones", "muted"),
    [
        ([], []),
        ([(5.0, 5.1)], [(4.9, 5.2)]),
        ([(0.05, 0.1)], [(0.0, 0.2)]),
        ([(5.0, 5.1), (6.2, 6.3)], [(4.9, 6.4)]),
        ([(6.2, 6.3), (5.0, 5.1)], [(4.9, 6.4)]),
        ([(5.0, 5.1), (6.4, 6.5)], [(4.9, 5.2), (6.3, 6.6)]),
        ([(5.0, 9.0), (6.0, 7.0)], [(4.9, 9.1)]),
    ],
)
def test_intervals_are_padded_and_joined(tones, muted):
    assert muting.widened(tones) == [pytest.approx(interval) for interval in muted]


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0.01, 2)), max_size=20))
def test_joined_intervals_lie_apart_and_cover_the_tones(starts):
    tones = [(start, start + length) for start, length in starts]
    muted = muting.widened(tones)
    assert all(after[0] - before[1] >= muting.JOIN_SECONDS for before, after in pairwise(muted))
    for start, stop in tones:
        assert any(first <= start and stop <= last for first, last in muted)


@pytest.mark.parametrize("subtype", SUBTYPES)
def test_silences_the_tones_and_nothing_else(subtype):
    recording = wav(dialled(), subtype=subtype)
    report, archived = passed(recording, block=7777)
    assert len(archived) == len(recording)
    [(start, stop)] = report.redaction.intervals
    assert start == pytest.approx(2.9, abs=0.02) and stop == pytest.approx(3.8, abs=0.02)
    (region,) = layout_of(lambda start, stop: recording[start:stop], len(recording)).regions
    align = region.format.block_align
    first = region.start + int(np.floor(start * RATE)) * align
    last = region.start + int(np.ceil(stop * RATE)) * align
    changed = [at for at in range(len(recording)) if recording[at] != archived[at]]
    assert first - align <= changed[0] and changed[-1] < last + align
    assert archived[first + 8 : last - 8] == region.format.silence * (last - first - 16)


def test_both_channels_are_muted():
    _, archived = passed(wav(dialled()))
    samples = np.frombuffer(archived[44:], "<i2").reshape(-1, 2)
    assert not samples[int(3.1 * RATE) : int(3.7 * RATE)].any()


def test_no_tone_is_left_to_find():
    report, archived = passed(wav(dialled()))
    assert len(report.participants[1].tones) == 4
    again, unchanged = passed(archived)
    assert again.participants[1].tones == []
    assert unchanged == archived


def test_off_means_untouched_but_still_reported():
    recording = wav(dialled())
    report, archived = passed(recording, Options(redact_dtmf=False))
    assert archived == recording
    redaction = report.as_result()["redaction"]
    assert (redaction["status"], redaction["intervals"], redaction["reasons"]) == ("off", [], [])
    assert redaction["coverage"]["dtmf"] == {"found": 4, "muted": 0}
    assert report.as_result()["participants"][1]["dtmf"]["count"] == 4


@settings(max_examples=6, deadline=None)
@given(st.integers(1, 60_000), st.floats(0.3, 66.0))
def test_neither_block_size_nor_place_changes_what_is_archived(block, at):
    """Also where the tones straddle the blocks of 32 and 64 s in which the sound is measured."""
    recording = wav(dialled(at, 70.0)[1:, : 68 * RATE])
    _, whole = passed(recording, block=len(recording))
    _, pieces = passed(recording, block=block * 20)
    assert pieces == whole != recording


def test_chunks_after_the_audio_are_never_touched():
    samples = (dialled() * 32767).astype("<i2")
    samples[:, -900:] = (key_tone(5, 900 / RATE) * 32767).astype("<i2")
    tail = chunk(b"LIST", bytes(range(200)))
    recording = riff(format_chunk(), chunk(b"data", samples.T.tobytes()), tail)
    report, archived = passed(recording)
    assert archived.endswith(tail)
    assert report.redaction.intervals[-1][1] == report.duration_seconds


def test_overwrite_respects_the_part_it_holds():
    recording = plain()
    heard = [HeardRegion(Format(PCM, 2, 8000, 16), 44, len(recording), 0.0)]
    held = bytearray(recording[1000:2000])
    muting.overwrite(held, 1000, heard, [(0.0, 0.04)])
    stop = 44 + 320 * 4
    assert held[: stop - 1000] == bytes(stop - 1000)
    assert held[stop - 1000 :] == recording[stop:2000]


def test_the_time_of_a_byte_is_found_among_the_pieces():
    mono, stereo = Format(PCM, 1, 8000, 16), Format(PCM, 2, 8000, 16)
    heard = [HeardRegion(mono, 100, 16100, 0.0), HeardRegion(stereo, 20000, 52000, 1.0)]
    times = {0: 0.0, 100: 0.0, 8100: 0.5, 16100: 1.0, 18000: 1.0, 20000: 1.0, 36000: 1.5}
    assert {at: muting.time_at(heard, at) for at in times} == pytest.approx(times)
    assert muting.time_at(heard, 90000) == 2.0


@pytest.mark.parametrize("seed", range(6))
def test_what_the_result_calls_muted_is_silent_and_nothing_else_has_changed(seed):
    """Keys anywhere, of any loudness and length, in a file that arrives in blocks of any size."""
    rng = np.random.default_rng(seed)
    frames = int(rng.integers(5, 90)) * RATE
    samples = rng.standard_normal((2, frames)).astype(np.float32) * 10 ** rng.uniform(-4, -2)
    for _ in range(int(rng.integers(1, 30))):
        at, length = int(rng.integers(0, frames - 2000)), int(rng.integers(300, 1900))
        tone = key_tone(int(rng.integers(8)), length / RATE)[:length]
        samples[int(rng.integers(2)), at : at + len(tone)] += tone * 10 ** rng.uniform(-1.5, 0)
    recording = wav(samples)
    report, archived = passed(recording, block=int(rng.integers(1000, 300_000)))
    assert report.redaction.status == "complete"
    before, after = (
        np.frombuffer(content[44:], "<i2").reshape(-1, 2) for content in (recording, archived)
    )
    muted = np.zeros(frames, np.bool_)
    for interval in report.redaction.intervals:
        first, last = muting.frames(interval, RATE)
        muted[first:last] = True
    assert not after[muted].any()
    assert np.array_equal(after[~muted], before[~muted])
