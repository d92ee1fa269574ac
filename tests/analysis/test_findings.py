"""Flags, roles and levels of recordings that are strange in one way each."""

from dataclasses import replace

import numpy as np
import pytest

from addon.analysis import Options, roles_with_agent_on
from tests.analysis import lines
from tests.analysis.calls import converse, passed, wav, with_noise

CALL = converse(40, 3)


def flags(samples) -> set[str]:
    return set(passed(wav(samples.astype(np.float32)))[0].flags)


def test_an_ordinary_call_has_no_flag():
    assert flags(CALL.samples) == set()


def test_one_sided():
    alone = CALL.samples.copy()
    alone[1] = np.random.default_rng(1).standard_normal(alone.shape[1]) * 0.005
    assert flags(alone) == {"one_sided"}


def test_one_sided_and_short():
    alone = CALL.samples[:, 8000 * 3 : 8000 * 8].copy()
    alone[0 if CALL.speech[0, 300:800].sum() < CALL.speech[1, 300:800].sum() else 1] *= 0
    assert flags(alone) == {"one_sided", "silent_channel"}


def test_silent_channel():
    quiet = CALL.samples * [[1], [0]]
    assert flags(quiet) == {"one_sided", "silent_channel"}


def test_no_speech():
    rng = np.random.default_rng(1)
    assert flags(rng.standard_normal((2, 80_000)) * 0.01) == {"no_speech"}
    assert flags(np.zeros((2, 80_000))) == {"no_speech", "silent_channel"}


def test_clipped():
    assert "clipped" in flags(np.clip(CALL.samples * 6, -1, 1))


def test_noisy():
    """Of the pink noise, 4 dB lie below the band of speech."""
    assert "low_snr" in flags(with_noise(CALL, 0).samples)
    assert "low_snr" not in flags(with_noise(CALL, 25).samples)


def test_identical_channels_are_one_party():
    mixed = CALL.samples.sum(axis=0)
    report, _ = passed(wav(np.stack([mixed, mixed])))
    assert report.flags == ["identical_channels"]
    assert [person.role for person in report.participants] == ["mixed"]
    document = report.as_result()["conversation"]
    assert document["agent_talk_seconds"] is None
    assert "same sound" in document["agent_talk_seconds_reason"]


def test_mono_has_no_parties():
    report, _ = passed(wav(CALL.samples.sum(axis=0, keepdims=True)))
    document = report.as_result()
    assert [person["role"] for person in document["participants"]] == ["mixed"]
    for name in ("agent_talk", "customer_talk", "crosstalk"):
        assert document["conversation"][f"{name}_seconds"] is None
        assert document["conversation"][f"{name}_percent"] is None
        assert "one channel" in document["conversation"][f"{name}_seconds_reason"]
    mixed = document["participants"][0]
    silence = document["conversation"]["silence_seconds"]
    assert mixed["talk_seconds"] + silence == pytest.approx(document["audio"]["duration_seconds"])
    assert mixed["turns"] is None and "one channel" in mixed["turns_reason"]
    assert {segment["role"] for segment in document["segments"]} == {"mixed"}


@pytest.mark.parametrize("channel", [0, 1])
def test_roles_are_the_callers_choice(channel):
    report, _ = passed(wav(CALL.samples), Options(roles=roles_with_agent_on(channel)))
    agent = next(person for person in report.participants if person.role == "agent")
    assert agent.channel == channel
    conversation = report.as_result()["conversation"]
    assert conversation["agent_talk_seconds"] == agent.talk


def test_levels_are_what_was_put_in():
    hiss = np.random.default_rng(7).standard_normal(CALL.samples.shape) * 0.005
    call = replace(CALL, samples=CALL.samples + hiss.astype(np.float32))
    report, _ = passed(wav(call.samples))
    for person, row, mask in zip(report.participants, call.samples, call.speech, strict=True):
        spoken = np.repeat(mask, 80)
        assert person.level.speech_dbfs == pytest.approx(
            10 * np.log10((row[spoken] ** 2).mean()), abs=1
        )
        assert person.level.noise_dbfs == pytest.approx(
            10 * np.log10((row[~spoken] ** 2).mean()), abs=2
        )
        assert person.level.snr_db == pytest.approx(20, abs=3)


def test_digital_silence_is_no_noise():
    report, _ = passed(wav(CALL.samples))
    level = report.participants[0].as_result("")["level"]
    assert level["noise_dbfs"] == -120
    assert level["snr_db"] is None and level["snr_db_reason"]


@pytest.mark.parametrize("db", [0, -12])
def test_identical_channels_may_differ_in_gain(db):
    mixed = CALL.samples.sum(axis=0)
    assert flags(np.stack([mixed, mixed * 10 ** (db / 20)])) == {"identical_channels"}


def test_a_common_offset_or_common_hum_does_not_make_channels_identical():
    quiet = lines.louder(CALL, -24)
    assert flags(lines.with_dc(quiet, 0.1).samples) == set()
    assert flags(lines.with_mains_hum(quiet, 20).samples) == set()


def test_music_on_both_channels_does_not_make_them_identical():
    assert flags(lines.after(CALL, lines.chord(120, -15), both=True).samples) == set()


def test_the_offset_is_reported_and_the_levels_are_without_it():
    clean, _ = passed(wav(lines.louder(CALL, -12).samples))
    faulty, _ = passed(wav(lines.with_dc(lines.louder(CALL, -12), 0.1).samples))
    for mine, theirs in zip(faulty.participants, clean.participants, strict=True):
        assert mine.level.dc_offset == pytest.approx(0.1, abs=1e-3)
        assert mine.level.rms_dbfs > -20.1
        assert mine.level.speech_dbfs == pytest.approx(theirs.level.speech_dbfs, abs=0.2)
        assert mine.talk == pytest.approx(theirs.talk, abs=0.3)


COPIES = {
    "the other sign": lambda mixed: -mixed,
    "a millisecond late": lambda mixed: np.roll(mixed, 8),
    "two milliseconds late and 6 dB quieter": lambda mixed: np.roll(mixed, 16) * 0.5,
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
def test_channels_with_a_copy_of_the_same_sound_are_identical(change):
    mixed = CALL.samples.sum(axis=0)
    assert flags(np.stack([mixed, change(mixed)])) == {"identical_channels"}


def test_channels_that_were_coded_apart_are_identical():
    mixed = CALL.samples.sum(axis=0)
    coded = lines.through(
        replace(CALL, samples=np.stack([mixed, mixed * 0.5])), format="WAV", subtype="GSM610"
    )
    assert flags(coded.samples) == {"identical_channels"}


@pytest.mark.parametrize("delay_ms", [10, 100])
def test_loud_echo_does_not_make_channels_identical(delay_ms):
    late = np.roll(CALL.samples[::-1], 8 * delay_ms, axis=1) * 10 ** (-10 / 20)
    assert "identical_channels" not in flags(CALL.samples + late)


def test_equal_noise_where_nobody_speaks_does_not_make_channels_identical():
    rng = np.random.default_rng(1)
    assert flags(rng.standard_normal((2, 80_000)) * 0.01) == {"no_speech"}
