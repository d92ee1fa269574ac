"""Call progress tones by frequency and cadence, on the lines they really come over."""

import numpy as np
import pytest

from addon.analysis import runs
from tests.analysis import calls, lines
from tests.analysis.calls import Call, converse, passed, wav

CALL = converse(30, 4)

LINES = {
    "clean": lambda call: call,
    "GSM": lambda call: lines.through(call, format="WAV", subtype="GSM610"),
    "noise": lambda call: calls.with_noise(call, 20),
    "quiet": lambda call: lines.louder(call, -20),
    "hum": lambda call: lines.with_mains_hum(call, 0),
}


def found(call: Call):
    return passed(wav(call.samples))[0].conversation.call_progress


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("name", lines.SIGNALS)
def test_each_tone_is_found_from_first_to_last(name, line):
    kind, sound = lines.SIGNALS[name]
    [tone] = found(LINES[line](lines.after(CALL, sound(24))))
    assert (tone.kind, tone.channel) == (kind, 1)
    assert runs.seconds(tone.first) == pytest.approx(0, abs=0.05)
    assert runs.seconds(tone.last) >= 0.9 * 24


def test_ringing_ends_where_somebody_speaks():
    call = lines.after(CALL, lines.cadence((440, 480), (2, 4), 20))
    report, _ = passed(wav(call.samples))
    [tone] = report.conversation.call_progress
    assert runs.seconds(tone.last) <= 20 + report.conversation.segments[0][0, 0] / 100
    assert report.conversation.hold[0] == pytest.approx((0, runs.seconds(tone.last)), abs=0.3)


def test_one_ring_of_north_america_is_enough():
    [tone] = found(lines.after(CALL, lines.cadence((440, 480), (2, 4), 6)))
    assert (tone.kind, runs.seconds(tone.first), runs.seconds(tone.last)) == (
        "ringing",
        0.0,
        pytest.approx(2, abs=0.05),
    )


def test_the_three_tones_before_an_announcement():
    pause = np.zeros(8000)
    sound = np.concatenate([pause, lines.special_information(), pause])
    [tone] = found(lines.after(CALL, sound))
    assert tone.kind == "special_information"
    assert (runs.seconds(tone.first), runs.seconds(tone.last)) == pytest.approx((1, 1.99), abs=0.05)


def test_call_waiting_is_found_in_a_conversation():
    call = converse(40, 4)
    samples, at = call.samples.copy(), []
    for second in range(2, 38):
        free = not call.speech[1, second * 100 - 50 : second * 100 + 80].any()
        if free and (not at or second - at[-1] in (8, 9, 10, 11)):
            at.append(second)
            samples[1, second * 8000 : second * 8000 + 2400] += lines.tone((440,), 0.3)
    assert len(at) >= 2
    tones = found(Call(samples, call.speech))
    assert [tone.kind for tone in tones] == ["call_waiting"] * len(at)
    for tone, second in zip(tones, at, strict=True):
        assert (runs.seconds(tone.first), runs.seconds(tone.last)) == pytest.approx(
            (second, second + 0.3), abs=0.06
        )


def test_a_fax_that_answers():
    [tone] = found(lines.after(CALL, lines.tone((2100,), 3)))
    assert tone.kind == "fax"


def test_tones_are_no_speech():
    call = lines.after(CALL, lines.SIGNALS["US busy"][1](20))
    masks = calls.heard(passed(wav(call.samples))[0])
    assert masks[:, :1990].sum() == 0


@pytest.mark.parametrize("sound", [lines.tune, lines.chord, lines.melody, calls.music])
def test_music_is_none(sound):
    assert found(lines.after(CALL, sound(60))) == []


def test_key_presses_are_none():
    assert found(calls.with_hold(CALL)) == []


@pytest.mark.parametrize("seed", range(3))
def test_talk_is_none(seed):
    assert found(calls.with_noise(converse(60, 30 + seed), 20)) == []


@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.385, 1.995])
def test_a_tone_that_ends_between_two_spectra_ends_with_the_recording(seconds):
    sound = 0.3 * np.sin(2 * np.pi * 440 * np.arange(round(8000 * seconds)) / 8000)
    report, _ = passed(wav(np.stack([sound, sound]).astype(np.float32)))
    assert report.duration_seconds == seconds
    tones = report.as_result()["conversation"]["call_progress_tones"]
    assert all(tone["end_seconds"] <= seconds for tone in tones)


def test_notes_that_follow_each_other_without_a_pause_are_no_tone():
    samples = np.zeros((2, 20 * calls.RATE), np.float32)
    samples[1] = lines.arpeggio(20)
    report, _ = passed(wav(samples))
    assert report.conversation.call_progress == []
