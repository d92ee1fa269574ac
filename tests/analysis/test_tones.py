"""Key tones: every one of the grid, none in speech or music, and never which key it was."""

import dataclasses

import numpy as np
import pytest

from addon.analysis.tones import RATE_HZ, Tone, ToneDetector
from tests.analysis.calls import HIGH, LOW, converse, music, with_babble, with_noise

GRID = {
    "clean": {},
    "short": {"on": 0.04, "off": 0.04},
    "-30 dBFS": {"db": -30},
    "-38 dBFS": {"db": -38},
    "20 dB above noise": {"noise_db": 20},
    "15 dB above noise": {"noise_db": 15},
    "10 dB above noise": {"noise_db": 10},
    "sharp by 1.8 %": {"detuned": 0.018},
    "flat by 1.8 %": {"detuned": -0.018},
    "off by 1.5 %": {"detuned": 0.015, "on": 0.05, "off": 0.05},
    "high group louder": {"twist_db": 4},
    "low group louder": {"twist_db": -7},
    "long": {"on": 1.5, "off": 0.2},
}


def dial(
    keys, on=0.08, off=0.08, db=-15.0, detuned=0.0, twist_db=0.0, noise_db=None, seed=1
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """The keys pressed one after the other, and when."""
    rng = np.random.default_rng(seed)
    line = np.zeros(int((0.5 + len(keys) * (on + off)) * RATE_HZ) // 40 * 40 + 4000, np.float32)
    spans = []
    for index, key in enumerate(keys):
        start = int((0.2 + index * (on + off)) * RATE_HZ) + int(rng.integers(40))
        time = np.arange(int(on * RATE_HZ)) / RATE_HZ
        low, high = LOW[key // 4] * (1 + detuned), HIGH[key % 4] * (1 + detuned)
        tone = np.sin(2 * np.pi * low * time + rng.random() * 6) * 10 ** (-twist_db / 40)
        tone += np.sin(2 * np.pi * high * time + rng.random() * 6) * 10 ** (twist_db / 40)
        line[start : start + len(time)] = tone * 10 ** (db / 20)
        spans.append((start / RATE_HZ, (start + len(time)) / RATE_HZ))
    if noise_db is not None:
        noise = rng.standard_normal(len(line)) * 10 ** ((db - noise_db) / 20)
        line = (line + noise).astype(np.float32)
    return line, spans


def find(line: np.ndarray, block: int = 1 << 30) -> list[Tone]:
    detector = ToneDetector(1)
    for at in range(0, len(line), block):
        detector.add(line[None, at : at + block])
    detector.finish()
    return detector.found


def overlaps(tone: Tone, span: tuple[float, float]) -> bool:
    return tone.start < span[1] and span[0] < tone.stop


@pytest.mark.parametrize("how", GRID.values(), ids=GRID)
def test_finds_every_key_of_the_grid(how):
    keys = list(range(16)) * (2 if how.get("on", 0) > 1 else 6)
    line, spans = dial(keys, **how)
    tones = find(line)
    assert len(tones) == len(spans)
    assert all(overlaps(tone, span) for tone, span in zip(tones, spans, strict=True))
    edges = [(t.start - s[0], t.stop - s[1]) for t, s in zip(tones, spans, strict=True)]
    assert np.abs(edges).max() < 0.012


def test_20_ms_are_no_key():
    line, _ = dial(list(range(16)) * 6, on=0.02, off=0.06)
    assert find(line) == []


@pytest.mark.parametrize("frequencies", [(697,), (1336,), (440, 480), (350, 440), (697, 1100)])
def test_other_tones_are_no_key(frequencies):
    time = np.arange(4 * RATE_HZ) / RATE_HZ
    line = sum(0.2 * np.sin(2 * np.pi * f * time) for f in frequencies).astype(np.float32)
    assert find(line) == []


def test_too_much_twist_is_no_key():
    line, _ = dial(list(range(16)), twist_db=12)
    assert find(line) == []


def test_a_bouncing_key_is_one_press():
    line, spans = dial([5], on=0.2)
    middle = int((spans[0][0] + 0.1) * RATE_HZ)
    line[middle : middle + 80] = 0
    assert len(find(line)) == 1


def test_the_same_key_twice_is_two_presses():
    line, spans = dial([5, 5, 5], on=0.04, off=0.04)
    assert len(find(line)) == len(spans)


def test_a_doubtful_tone_counts_only_near_a_clear_one():
    rng = np.random.default_rng(2)
    faint, spans = dial([3, 7], on=0.1, off=0.9)
    faint += rng.standard_normal(len(faint)).astype(np.float32) * 0.13
    clear, _ = dial([1, 2], on=0.1, off=0.1)
    assert not find(faint)
    near = find(np.concatenate([faint, clear]))
    assert len(near) == 4
    apart = np.zeros(4 * RATE_HZ, np.float32)
    assert len(find(np.concatenate([faint, apart, clear]))) == 2
    assert len(spans) == 2


@pytest.mark.parametrize("block", [40, 160, 1280, 12000])
def test_the_block_size_changes_nothing(block):
    line, _ = dial(list(range(16)) * 2, noise_db=12)
    assert find(line, block) == find(line)


def test_what_is_settled_stays():
    """No tone begins before `settled` once that was said."""
    line, _ = dial(list(range(16)) * 3, noise_db=10, on=0.06)
    detector = ToneDetector(1)
    said: list[tuple[float, int]] = []
    for at in range(0, len(line), 400):
        detector.add(line[None, at : at + 400])
        settled = detector.settled
        said.append((settled, sum(tone.start < settled for tone in detector.found)))
    detector.finish()
    for settled, known in said:
        assert sum(tone.start < settled for tone in detector.found) == known
    assert said[-1][0] > len(line) / RATE_HZ - 3.5


def test_a_key_that_sticks_does_not_hold_everything_back():
    line, _ = dial([4], on=60.0, off=1.0)
    detector = ToneDetector(1)
    furthest = 0.0
    for at in range(0, len(line), 8000):
        detector.add(line[None, at : at + 8000])
        furthest = max(furthest, (at + 8000) / RATE_HZ - detector.settled)
    detector.finish()
    assert len(detector.found) == 1
    assert furthest < 15


def test_channels_are_told_apart():
    one, _ = dial([1, 2, 3])
    both = np.stack([np.zeros_like(one), one])
    detector = ToneDetector(2)
    detector.add(both)
    detector.finish()
    assert {tone.channel for tone in detector.found} == {1}


def test_the_key_itself_is_never_given_away():
    assert {field.name for field in dataclasses.fields(Tone)} == {"channel", "start", "stop"}


@pytest.mark.slow
def test_no_false_key_in_an_hour_of_speech_and_music():
    """An hour: clear and noisy speech of all voices at several pitches, babble, music."""
    calls = [converse(300, seed, speakers=pair) for seed, pair in enumerate(PAIRS)]
    lines = [row for call in calls for row in call.samples]
    lines += list(with_noise(calls[0], 10).samples) + list(with_babble(calls[1], 5).samples)
    lines += [music(300, seed) * loud for seed, loud in ((1, 1), (2, 5))]
    assert sum(len(line) for line in lines) >= 3600 * RATE_HZ
    assert [find(line[: len(line) // 40 * 40]) for line in lines] == [[]] * len(lines)


PAIRS = [("ada", "ben"), ("cat", "dan"), ("ben", "cat"), ("dan", "ada")]
