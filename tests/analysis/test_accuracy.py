"""How well speech is found on calls whose truth is known, over everything a line does to them."""

import numpy as np
import pytest

from addon.analysis.conversation import Conversation
from addon.analysis.conversation import converse as converse_figures
from addon.analysis.timeline import Timeline
from tests.analysis import calls, lines
from tests.analysis.calls import Call, converse, f1, heard, passed, wav

SECONDS = 60
PAIRS = [("ben", "ada"), ("dan", "cat"), ("ada", "dan"), ("cat", "ben")]

#: Everything that the benchmark measures; rooms full of voices have a test of their own.
CONDITIONS = {name: way for name, way in lines.CONDITIONS.items() if "in the room" not in name}
#: Where the truth itself is blurred, by reverberation or by a gain that follows the voice.
BLURRED = [name for name in CONDITIONS if name.startswith(("distant", "gain"))]


@pytest.fixture(scope="module")
def conversations() -> list[Call]:
    return [converse(SECONDS, seed, speakers=pair) for seed, pair in enumerate(PAIRS, 1)]


def found(call: Call) -> np.ndarray:
    """The speech masks that one pass finds."""
    return fitted(heard(passed(wav(call.samples))[0]), call)


def fitted(masks: np.ndarray, call: Call) -> np.ndarray:
    frames = call.speech.shape[1]
    return np.pad(masks, ((0, 0), (0, max(frames - masks.shape[1], 0))))[:, :frames]


def errors(masks: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """What each figure is off by, in percent of the duration."""

    def figures(rows: np.ndarray) -> np.ndarray:
        one, other = rows
        return np.array([one.sum(), other.sum(), (~one & ~other).sum(), (one & other).sum()])

    off = 100 * np.abs(figures(masks) - figures(truth)) / truth.shape[1]
    return dict(zip(("one", "other", "silence", "crosstalk"), off, strict=True))


@pytest.mark.parametrize("condition", CONDITIONS)
def test_accuracy(conversations, condition):
    """F1 at least 97; talk, silence and crosstalk within 1.5, 2.5 and 0.7 % on average.

    A little less is asked for where the truth is blurred.
    """
    least, talk, silence, crosstalk = (
        (95, 3, 4, 1.5) if condition in BLURRED else (97, 1.5, 2.5, 0.7)
    )
    made = [CONDITIONS[condition](call) for call in conversations]
    masks = [found(call) for call in made]
    scores = [f1(mask, call.speech) for mask, call in zip(masks, made, strict=True)]
    off = [errors(mask, call.speech) for mask, call in zip(masks, made, strict=True)]
    mean = {name: float(np.mean([each[name] for each in off])) for name in off[0]}
    assert np.mean(scores) >= least, scores
    assert max(mean["one"], mean["other"]) <= talk, mean
    assert mean["silence"] <= silence, mean
    assert mean["crosstalk"] <= crosstalk, mean


@pytest.mark.parametrize("condition", [name for name in lines.CONDITIONS if name not in CONDITIONS])
def test_accuracy_in_a_room_full_of_voices(conversations, condition):
    made = [lines.CONDITIONS[condition](call) for call in conversations]
    scores = [f1(found(call), call.speech) for call in made]
    assert np.mean(scores) >= 92, scores


def test_crosstalk_on_a_line_that_echoes_is_that_of_the_clean_line(conversations):
    call = conversations[1]
    clean, _ = passed(wav(call.samples))
    echoed, _ = passed(wav(calls.with_echo(call, -20).samples))
    assert clean.conversation.crosstalk is not None and echoed.conversation.crosstalk is not None
    assert abs(clean.conversation.crosstalk - echoed.conversation.crosstalk) < 0.01 * SECONDS
    assert sum(person.bleed for person in echoed.participants) > 20
    assert sum(person.bleed for person in clean.participants) == 0


def test_long_loud_music_on_hold_takes_no_speech_away(conversations):
    """Noise is judged around the speech: the recording's median would be the music."""
    held = calls.with_hold(conversations[0], 180)
    held.samples[1, -180 * calls.RATE :] *= 3
    report, _ = passed(wav(held.samples))
    assert f1(fitted(heard(report), held), held.speech) > 96
    assert "low_snr" not in report.flags


@pytest.fixture(scope="module")
def judged(conversations) -> list[tuple[Conversation, Conversation]]:
    """For each call the figures found, and those of the same rules applied to the truth."""
    pairs = []
    for call in conversations:
        found_figures = passed(wav(call.samples))[0].conversation
        timeline = Timeline(round(call.duration * 1000))
        true_figures = converse_figures(list(call.speech), timeline, non_talk_seconds=3)
        pairs.append((found_figures, true_figures))
    return pairs


def test_turns_are_those_of_the_truth(judged):
    for measured, true in judged:
        for mine, theirs in zip(measured.floors, true.floors, strict=True):
            assert abs(mine.turns - theirs.turns) <= 1
            # A pause at the edge of what a segment bridges may go either way.
            assert abs(mine.longest_monologue - theirs.longest_monologue) <= 0.8


def test_silences_are_those_of_the_truth(judged):
    for measured, true in judged:
        assert abs(measured.longest_silence - true.longest_silence) <= 0.3
        assert abs((measured.initial_silence or 0) - (true.initial_silence or 0)) <= 0.15
        assert abs((measured.trailing_silence or 0) - (true.trailing_silence or 0)) <= 0.15
        for one, other in ((measured, true), (true, measured)):
            for pause in one.non_talk.intervals:
                if pause[1] - pause[0] > 3.2:  # at 3 s it may go either way
                    assert pytest.approx(pause, abs=0.2) in other.non_talk.intervals


def test_answers_are_timed_as_in_the_truth(judged):
    for measured, true in judged:
        for mine, theirs in zip(measured.floors, true.floors, strict=True):
            assert abs(mine.latency.count - theirs.latency.count) <= 2
            if mine.latency.median is not None and theirs.latency.median is not None:
                assert abs(mine.latency.median - theirs.latency.median) <= 0.25


def test_interruptions_and_nods_are_within_one_or_two(judged):
    for measured, true in judged:
        for mine, theirs in zip(measured.floors, true.floors, strict=True):
            assert abs(len(mine.interruptions) - len(theirs.interruptions)) <= 1
            assert abs(mine.backchannels - theirs.backchannels) <= 2
        assert abs((measured.crosstalk_count or 0) - (true.crosstalk_count or 0)) <= 2


@pytest.mark.parametrize("block", [5_000, 1 << 20])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_the_same_call_at_another_rate(conversations, rate, block):
    """Resampling costs no accuracy, however the bytes arrive."""
    import soxr

    call = conversations[2]
    other = soxr.resample(call.samples[:, : 30 * calls.RATE].T, calls.RATE, rate).T
    report, _ = passed(wav(other, rate), block=block)
    assert f1(heard(report)[:, :3000], call.speech[:, :3000]) > 96.5


@pytest.mark.parametrize("kind", [("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS"), ("OGG", "OPUS")])
def test_lossy_kinds_cost_little(conversations, kind):
    call = conversations[3]
    recording = calls.encoded(call.samples[:, : 30 * calls.RATE], format=kind[0], subtype=kind[1])
    masks = heard(passed(recording)[0])
    truth = call.speech[:, : masks.shape[1]][:, :3000]
    assert f1(masks[:, : truth.shape[1]], truth) > 94
