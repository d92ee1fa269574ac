"""Key tones: every one of the grid, none in speech or music, and never which key it was."""

import dataclasses
import itertools

import numpy as np
import pytest

from addon.analysis.muting import widened
from addon.analysis.tones import HOP, RATE_HZ, Tone, ToneDetector
from tests.analysis import keys
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


def detect(line: np.ndarray, block: int = 1 << 30) -> ToneDetector:
    detector = ToneDetector(1)
    line = line[: len(line) // HOP * HOP].astype(np.float32)
    for at in range(0, len(line), block):
        detector.add(line[None, at : at + block])
    detector.finish()
    return detector


def find(line: np.ndarray, block: int = 1 << 30) -> list[Tone]:
    return detect(line, block).found


def covered(line: np.ndarray, spans: list[tuple[float, float]]) -> list[bool]:
    """Which of the spans are muted, from end to end."""
    muted = widened(detect(line).muted())
    return [any(m[0] <= start and stop <= m[1] for m in muted) for start, stop in spans]


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


def test_too_much_twist_is_muted_but_not_counted():
    line, spans = dial(list(range(16)), twist_db=12)
    assert find(line) == []
    assert all(covered(line, spans))


def test_the_digits_of_multi_frequency_signalling_are_not_counted():
    """Of R1: pairs of 700 to 1,700 Hz, each five times; 7 lies close to a key."""
    tones = (700, 900, 1100, 1300, 1500, 1700)
    time = np.arange(round(0.07 * RATE_HZ)) / RATE_HZ
    pause, quiet = np.zeros(round(0.07 * RATE_HZ)), np.zeros(4 * RATE_HZ)
    signals = []
    for low, high in itertools.combinations(tones, 2):
        both = 0.1 * (np.sin(2 * np.pi * low * time) + np.sin(2 * np.pi * high * time))
        signals += [both, pause] * 5 + [quiet]
    assert find(np.concatenate(signals)) == []


def test_a_chord_played_in_time_is_not_counted():
    """B flat and F sharp: a key's tones, each off by its own share, struck like a row."""
    time = np.arange(round(0.2 * RATE_HZ)) / RATE_HZ
    both = 0.1 * (np.sin(2 * np.pi * 932.33 * time) + np.sin(2 * np.pi * 1479.98 * time))
    line = np.concatenate([both * np.exp(-2 * time), np.zeros(400)] * 20)
    assert find(line) == []


def test_a_regular_row_of_doubtful_presses_counts():
    row = keys.row("4929123456780378")
    noisy = row.samples + keys.noise(len(row.samples), 1)
    assert len(find(noisy)) == 16


def test_doubtful_presses_without_a_rule_are_muted_but_not_counted():
    row = keys.by_hand("4929123456780378")
    noisy = row.samples + keys.noise(len(row.samples), 1)
    assert len(find(noisy)) < 8
    assert all(covered(noisy, row.spans))


def test_what_a_certain_press_makes_believable_is_of_the_same_telephone():
    rng = np.random.default_rng(2)
    faint, spans = dial([3, 7], on=0.1, off=0.9)
    faint += rng.standard_normal(len(faint)).astype(np.float32) * 0.15
    loud, others = dial([1, 2], on=0.1, off=0.1, db=-5)
    line = np.concatenate([faint, loud])
    assert len(find(line)) == len(others)
    assert all(covered(line, spans))


def test_a_key_whose_tones_are_off_in_opposite_directions_is_muted():
    """Old telephones divide one crystal, and miss each frequency by up to 0.6 % of its own."""
    row = keys.row("1", margin=0.5)
    time = np.arange(round(0.1 * RATE_HZ)) / RATE_HZ
    tone = 0.1 * (np.sin(2 * np.pi * 935.1 * time) + np.sin(2 * np.pi * 1215.9 * time))
    line = np.zeros_like(row.samples)
    line[4000:4800] = tone
    assert all(covered(line, [(0.5, 0.6)]))


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
    """No mute begins before `settled` once that was said, also where presses are doubtful."""
    line, _ = dial(list(range(16)) * 3, noise_db=2, on=0.06)
    detector = ToneDetector(1)
    said: list[tuple[float, int]] = []
    for at in range(0, len(line), 400):
        detector.add(line[None, at : at + 400])
        settled = detector.settled
        said.append((settled, sum(start < settled for start, _ in detector.muted())))
    detector.finish()
    for settled, known in said:
        assert sum(start < settled for start, _ in detector.muted()) == known
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


def test_only_the_mutes_that_end_later_are_given():
    line, _ = dial([1, 2, 3] * 4, on=0.1, off=0.9)
    detector = detect(line)
    every = detector.muted()
    assert len(every) == 12
    for since in (0.0, 3.0, 7.5, 20.0):
        assert sorted(detector.muted(since)) == sorted(m for m in every if m[1] >= since)


@pytest.mark.slow
def test_no_false_key_in_an_hour_of_speech_and_music():
    """An hour: clear and noisy speech of all voices at several pitches, babble, music."""
    calls = [converse(300, seed, speakers=pair) for seed, pair in enumerate(PAIRS)]
    lines = [row for call in calls for row in call.samples]
    lines += list(with_noise(calls[0], 10).samples) + list(with_babble(calls[1], 5).samples)
    lines += [music(300, seed) * loud for seed, loud in ((1, 1), (2, 5))]
    assert sum(len(line) for line in lines) >= 3600 * RATE_HZ
    detectors = [detect(line) for line in lines]
    assert [detector.found for detector in detectors] == [[]] * len(lines)
    muted = [stop - start for each in detectors for start, stop in widened(each.muted())]
    assert sum(muted) < 0.01 * sum(len(line) for line in lines) / RATE_HZ


PAIRS = [("ada", "ben"), ("cat", "dan"), ("ben", "cat"), ("dan", "ada")]
