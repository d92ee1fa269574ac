"""The floor between a party's voice and the voices in its room."""

import numpy as np
import pytest

from addon.analysis import background
from tests.analysis import calls, lines
from tests.analysis.calls import Call, converse, f1, passed, wav

CALL = converse(60, 2, speakers=("ben", "ada"))


def judged(call: Call) -> tuple[float, set[str]]:
    report, _ = passed(wav(call.samples))
    found = calls.heard(report)
    frames = call.speech.shape[1]
    found = np.pad(found, ((0, 0), (0, max(frames - found.shape[1], 0))))[:, :frames]
    return f1(found, call.speech), set(report.flags)


@pytest.mark.parametrize("snr_db", [20, 15, 10])
def test_voices_in_the_room_are_flagged_and_left_out(snr_db):
    score, flags = judged(lines.with_voices(CALL, snr_db))
    assert "background_voices" in flags
    assert score > 92


def test_voices_as_loud_as_the_party_are_flagged():
    """Nothing tells them apart; the flag says that the figures cannot be trusted."""
    voice = CALL.samples.sum(axis=0)
    room = sum(np.roll(voice, int(8000 * at)) for at in (3.1, 9.7, 16.3, 22.9, 31.7))
    call = Call((CALL.samples + room * 0.7).astype(np.float32), CALL.speech)
    assert "background_voices" in judged(call)[1]


def mono(db: float) -> Call:
    """Both parties on one channel, the second so much louder or quieter."""
    both = CALL.samples[:1] + CALL.samples[1:] * 10 ** (db / 20)
    return Call(both.astype(np.float32), CALL.speech.any(axis=0, keepdims=True))


@pytest.mark.parametrize("db", [-10, -15, -20])
@pytest.mark.parametrize("line", [lambda call: call, lambda call: calls.with_noise(call, 25)])
def test_a_quiet_party_is_not_background(db, line):
    score, flags = judged(line(mono(db)))
    assert score > 95
    assert "background_voices" not in flags


@pytest.mark.parametrize(
    "line",
    [
        lambda call: calls.with_noise(call, 5),
        lines.with_gain_control,
        lines.at_a_distance,
        lambda call: calls.with_echo(call, -20),
        lambda call: lines.after(call, lines.tune(60)),
    ],
)
def test_other_lines_have_no_background_voices(line):
    assert "background_voices" not in judged(line(CALL))[1]


def test_music_on_hold_beside_background_voices_is_left_out_of_the_floor():
    call = lines.after(lines.with_voices(CALL, 15), lines.tune(60))
    score, flags = judged(call)
    assert score > 90
    assert "background_voices" in flags


def test_nothing_heard_has_no_floor():
    quiet = np.zeros(1000, np.bool_)
    assert background.floors([quiet], np.full((1, 1000), -60, np.float32)) == [None]
