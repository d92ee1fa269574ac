"""Hold music and tones: found where nobody speaks, and nothing else is."""

import numpy as np
import pytest

from addon.analysis import runs
from addon.analysis.hold import hold
from tests.analysis.calls import converse, passed, wav, with_hold, with_noise

FRAMES = 4000


def find(*parties):
    """Each party is (speech spans, [(first, last, dB)], noise dB)."""
    rows = []
    for _, sounds, noise in parties:
        row = np.full(FRAMES, noise, np.float32)
        for first, last, db in sounds:
            row[first:last] = db
        rows.append(row)
    speech = [runs.mask(spans, FRAMES) for spans, _, _ in parties]
    return hold(speech, np.stack(rows)).tolist()


QUIET = ([], [], -70)


def test_music_on_one_channel():
    [[first, last]] = find(([], [(1000, 2000, -30)], -70), QUIET)
    assert (first, last) == (pytest.approx(1000, abs=30), pytest.approx(2000, abs=30))


@pytest.mark.parametrize("sound", [(1000, 1200, -30), (1000, 2000, -55), (1000, 2000, -65)])
def test_short_or_faint_sounds_are_none(sound):
    assert find(([], [sound], -70), QUIET) == []


def test_noise_throughout_is_none():
    assert find(([], [], -35), ([], [], -35)) == []


def test_speech_is_none_and_parts_the_music():
    found = find(([(1400, 1500)], [(1000, 2000, -30)], -70), QUIET)
    assert len(found) == 2
    assert found[0][1] <= 1400 and found[1][0] >= 1500


def test_a_pause_in_the_music_does_not_part_it():
    assert len(find(([], [(1000, 1500, -30), (1540, 2000, -30)], -70), QUIET)) == 1


@pytest.mark.parametrize("noise_db", [None, 20])
def test_music_after_a_real_conversation(noise_db):
    call = with_hold(converse(60, 1))
    if noise_db:
        call = with_noise(call, noise_db)
    report, _ = passed(wav(call.samples))
    [(start, stop)] = report.conversation.hold
    [(begun, ended)] = call.hold
    assert (start, stop) == (pytest.approx(begun, abs=0.6), pytest.approx(ended, abs=0.6))
    assert report.conversation.silence >= stop - start
