"""Hold music and tones: found where nobody speaks, and nothing else is."""

import numpy as np
import pytest

from addon.analysis import runs
from addon.analysis.hold import hold
from addon.analysis.report import Report
from tests.analysis import calls, lines
from tests.analysis.calls import Call, converse, passed, wav, with_hold, with_noise

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


CALL = converse(40, 1)


def share_found(call: Call) -> float:
    """The share of the call's hold time that was found."""
    report, _ = passed(wav(call.samples))
    return share_in(report, call)


def share_in(report: Report, call: Call) -> float:
    """The share of the call's hold time that a report has."""
    frames = report.conversation.timeline.frames
    true, found = (
        runs.mask([(round(start * 100), round(stop * 100)) for start, stop in spans], frames)
        for spans in (call.hold, report.conversation.hold)
    )
    return float((true & found).sum() / true.sum())


def alone(sound: np.ndarray) -> Call:
    samples = np.zeros((2, len(sound)), np.float32)
    samples[1] = sound
    quiet = np.zeros((2, len(sound) // 80), np.bool_)
    return Call(samples, quiet, hold=[(0.0, len(sound) / 8000)])


@pytest.mark.parametrize("music", [lines.chord, lines.tune, lines.melody, calls.music])
def test_ten_minutes_of_music_before_a_call(music):
    call = lines.after(CALL, music(600))
    report, _ = passed(wav(call.samples))
    assert share_in(report, call) > 0.95
    assert "low_snr" not in report.flags
    assert all(person.level.noise_dbfs < -80 for person in report.participants)


@pytest.mark.parametrize("music", [lines.chord, lines.tune, lines.melody, calls.music])
@pytest.mark.parametrize("kind", [None, "GSM610", "ULAW"])
def test_music_and_no_call_at_all(music, kind):
    call = alone(music(30))
    if kind:
        call = lines.through(call, format="WAV", subtype=kind)
    assert share_found(call) > 0.95


def test_music_on_both_channels():
    assert share_found(lines.after(CALL, lines.tune(120), both=True)) > 0.95


def test_tones_are_no_noise():
    """The three tones of an announcement are all that sounds beside the voice."""
    voice, _ = calls.clip("ada-0")
    pause = np.zeros(4000, np.float32)
    call = alone(np.concatenate([pause, lines.special_information(), pause, voice, pause]))
    report, _ = passed(wav(call.samples))
    assert "low_snr" not in report.flags


@pytest.mark.parametrize("sound", ["hiss", "hum", "voices"])
def test_other_sound_and_no_call_at_all_is_none(sound):
    time = np.arange(30 * 8000) / 8000
    rng = np.random.default_rng(1)
    row = {
        "hiss": rng.standard_normal(len(time)) * 0.02,
        "hum": sum(np.sin(2 * np.pi * 50 * n * time) / n for n in range(1, 20)) * 0.05,
        "voices": lines.with_voices(converse(30, 1), 0).samples[1],
    }[sound]
    report, _ = passed(wav(alone(row.astype(np.float32)).samples))
    assert report.conversation.hold == []


def test_voices_in_the_room_are_no_music():
    report, _ = passed(wav(lines.with_voices(CALL, 15).samples))
    assert report.conversation.hold == []


def test_speech_after_music_is_heard_as_before():
    """The detector must not be deaf for what it heard on hold."""
    clean, _ = passed(wav(CALL.samples))
    held, _ = passed(wav(lines.after(CALL, lines.tune(120)).samples))
    assert sum(held.conversation.talk) == pytest.approx(sum(clean.conversation.talk), abs=0.6)


@pytest.mark.parametrize("hertz", [50, 60])
def test_hum_on_the_line_of_a_party_who_does_not_speak_is_no_music(hertz):
    """Its level in 10 ms frames swings by 20 dB, and its quietest frames are no pause."""
    call = converse(40, 3)
    time = np.arange(call.samples.shape[1]) / calls.RATE
    hum = sum(np.sin(2 * np.pi * hertz * n * time + n) / n for n in range(1, 11)) * 0.03
    samples = np.stack([call.samples[0] + hum, hum]).astype(np.float32)
    report, _ = passed(wav(samples))
    assert report.conversation.hold == []
