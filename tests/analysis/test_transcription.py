"""Speech reaches the transcriber in pieces, its words come back at their place and in time."""

import io
import time

import numpy as np
import pytest

from addon.analysis import Hints, Options, Word
from addon.analysis.transcription import (
    PIECE_SECONDS,
    SpooledSamples,
    pieces,
    transcribe,
    without_loops,
)
from tests.analysis.calls import RATE, converse, passed, wav

CALL = converse(40, 1)


class Scripted:
    """A transcriber that says a script, one word each 0.2 s of what it is given."""

    name = "scripted"
    expected_rate = 0.01

    def __init__(self, script="hello there.", seconds_a_piece=0.0):
        self.script = script.split()
        self.heard = []
        self._pause = seconds_a_piece

    def language(self, samples):
        return "en"

    def words(self, samples, hints):
        self.heard.append(samples)
        time.sleep(self._pause)
        return [
            Word(word, 0.2 * index, 0.2 * index + 0.15, 0.8)
            for index, word in enumerate(self.script)
        ]


def spans(*pairs):
    return np.array(pairs, np.int64).reshape(-1, 2)


def test_segments_of_a_channel_are_packed_in_order():
    packed = pieces([spans((0, 1000), (1200, 2000), (3000, 4500)), spans((500, 600))])
    assert [(piece.channel, len(piece.spans)) for piece in packed] == [(0, 2), (0, 1), (1, 1)]


def test_a_segment_longer_than_a_piece_is_cut():
    packed = pieces([spans((0, 7000)), spans()])
    assert len(packed) == 3
    assert max(piece.seconds for piece in packed) <= PIECE_SECONDS
    assert packed[1].spans[0][0] == packed[0].spans[0][1]


def test_a_long_segment_is_cut_where_it_is_quietest():
    samples = np.ones((1, 60 * RATE), np.float32)
    samples[0, 26 * RATE : int(26.2 * RATE)] = 0.01
    sound = SpooledSamples(io.BytesIO(), 1)
    sound.add(samples)
    first, second, third = pieces([spans((0, 6000))], sound)
    assert 26 * RATE < first.spans[0][1] < 26.2 * RATE
    assert (second.spans[0][0], third.spans[0][1]) == (first.spans[0][1], 60 * RATE)
    assert max(piece.seconds for piece in (first, second, third)) <= PIECE_SECONDS


#: Two segments of a second; in the piece they last from 0.05 to 1.05 s and from 1.45 to 2.45 s.
JOINT = spans((1000, 1100), (2000, 2100))


def placed(*times, segments=JOINT, quiet=()):
    """Where words of these times of the piece are put; all of it sounds but for the `quiet`."""
    [piece] = pieces([segments])
    words = [Word(str(index), *time, 1) for index, time in enumerate(times)]
    samples = np.ones(30 * RATE, np.float32)
    for start, stop in quiet:
        samples[int(start * RATE) : int(stop * RATE)] = 0.01
    return [(word.text, word.start, word.stop) for word in piece.placed(words, samples)]


def test_words_come_back_at_their_place():
    assert placed((0.15, 0.35), (1.65, 1.85)) == [("0", 10.1, 10.3), ("1", 20.2, 20.4)]


def test_a_word_that_starts_early_stays_with_its_sentence():
    assert placed((0.8, 1.0), (1.0, 1.7)) == [("0", 10.75, 10.95), ("1", 20.0, 20.25)]


def test_a_word_that_starts_in_the_quiet_end_of_a_segment_belongs_to_the_next():
    assert placed((0.6, 1.6), quiet=[(0.6, 1.4)]) == [("0", 20.0, 20.15)]


def test_a_word_that_ends_late_stays_with_its_sentence():
    assert placed((0.7, 1.5), (1.5, 1.7)) == [("0", 10.65, 11.0), ("1", 20.05, 20.25)]


@pytest.mark.parametrize(
    ("time", "place"),
    [((1.1, 1.2), (10.9, 11.0)), ((1.3, 1.4), (20.0, 20.1)), ((2.5, 2.7), (20.8, 21.0))],
)
def test_a_word_in_the_silence_goes_to_the_nearest_segment(time, place):
    assert placed(time) == [("0", *place)]


def test_a_word_far_from_all_speech_was_not_spoken():
    assert placed((0.2, 0.4), (9.0, 9.9)) == [("0", 10.15, 10.35)]


@pytest.mark.parametrize("seed", range(20))
def test_no_word_leaves_its_segment_and_the_order_stays(seed):
    rng = np.random.default_rng(seed)
    edges = np.cumsum(rng.integers(5, 200, 12)).reshape(-1, 2)
    starts = np.sort(rng.uniform(0, edges[-1, 1] / 100, 60))
    back = placed(*((at, at + rng.exponential(0.5)) for at in starts), segments=edges)
    assert [int(text) for text, _, _ in back] == sorted(int(text) for text, _, _ in back)
    assert [start for _, start, _ in back] == sorted(start for _, start, _ in back)
    for _, start, stop in back:
        assert any(first / 100 <= start <= stop <= last / 100 for first, last in edges)


def timed(text, start, seconds):
    return [
        Word(word, start + seconds * index, start + seconds * (index + 1), 1.0)
        for index, word in enumerate(text.split())
    ]


def test_a_phrase_that_a_model_repeats_in_no_time_is_dropped():
    said = timed("thank you for that", 1, 0.3)
    looped = [*said, *timed("you for that you for that", 2.2, 0.01), *timed("Bye.", 3, 0.3)]
    assert without_loops(looped) == [*said, *timed("Bye.", 3, 0.3)]


def test_what_is_really_said_again_stays():
    said = timed("well I see well I see no no no no", 1, 0.15)
    assert without_loops(said) == said
    numbers = [*timed("one one one one one one", 1, 0.0), *timed("4 1 2 4 1 2", 1, 0.0)]
    assert without_loops(numbers) == numbers
    assert without_loops([]) == []


def test_the_spool_gives_back_what_it_was_given():
    sound = SpooledSamples(io.BytesIO(), 2)
    sound.add(CALL.samples[:, :5000])
    sound.add(CALL.samples[:, 5000:])
    assert np.allclose(sound.read(1, 4000, 6000), CALL.samples[1, 4000:6000], atol=1 / 32767)
    assert len(sound.read(0, CALL.samples.shape[1] - 10, 10**9)) == 10


def test_hears_each_channels_speech_and_nothing_else():
    transcriber = Scripted()
    report, _ = passed(wav(CALL.samples), Options(transcriber=transcriber))
    spoken = sum(len(samples) for samples in transcriber.heard) / RATE
    assert spoken == pytest.approx(sum(report.conversation.talk), rel=0.3)
    sentences = report.as_result()["transcript"]["sentences"]
    assert {sentence["media_channel"] for sentence in sentences} == {1, 2}
    assert sentences == sorted(sentences, key=lambda sentence: sentence["start_seconds"])


def test_a_transcript_that_would_be_late_is_left_out():
    slow = Scripted()
    slow.expected_rate = 100.0
    report, _ = passed(wav(CALL.samples), Options(transcriber=slow, budget_seconds=20))
    document = report.as_result()
    assert slow.heard == []
    assert document["transcript"] is None
    assert "deadline" in document["transcript_reason"]
    assert report.redaction.status == "incomplete"
    assert any("Spoken numbers were not looked for" in warning for warning in report.warnings)
    assert document["conversation"]["agent_talk_seconds"] > 0


def test_the_forecast_is_renewed_with_every_piece():
    slow = Scripted(seconds_a_piece=0.3)
    slow.expected_rate = 0.001
    sound = SpooledSamples(io.BytesIO(), 1)
    sound.add(np.zeros((1, 60 * RATE), np.float32))
    segments = [spans((0, 2500), (2600, 5000), (5050, 6000))]
    heard = transcribe(slow, sound, segments, 0.4, Hints())
    assert (heard.words, len(slow.heard)) == ((), 1)
    assert "deadline" in heard.left_out


@pytest.mark.parametrize("failure", [RuntimeError("model"), MemoryError(), ValueError()])
def test_a_transcriber_that_fails_spoils_nothing(failure):
    class Broken(Scripted):
        def words(self, samples, hints):
            raise failure

    recording = wav(CALL.samples)
    report, archived = passed(recording, Options(transcriber=Broken()))
    assert archived == recording
    assert type(failure).__name__ in report.as_result()["transcript_reason"]


def test_speech_of_which_no_word_is_heard_leaves_a_redaction_incomplete():
    """A number in it was neither muted nor claimed, and the result said "complete"."""
    silent = passed(wav(CALL.samples), Options(transcriber=Scripted("")))[0].as_result()
    assert silent["redaction"]["status"] == "incomplete"
    assert "are not sure: a number may be in them" in silent["redaction"]["reason"]
    off = passed(wav(CALL.samples), Options(transcriber=Scripted(""), redact_spoken=()))[0]
    assert off.redaction.status == "complete"


NUMBER = "four " + "one " * 15


@pytest.mark.parametrize("subtype", ["PCM_16", "ULAW"])
def test_spoken_card_numbers_are_muted_and_masked(subtype):
    recording = wav(CALL.samples, subtype=subtype)
    report, archived = passed(
        recording, Options(transcriber=Scripted(NUMBER), waveform=True), block=9999
    )
    document = report.as_result()
    assert document["redaction"]["reasons"] == ["card_number"]
    assert len(archived) == len(recording) and archived != recording
    assert all(
        word["word"] == "[redacted]"
        for sentence in document["transcript"]["sentences"]
        for word in sentence["words"]
    )
    start, stop = document["redaction"]["intervals"][0]
    pixels = np.array(document["waveform"]["data"]).reshape(-1, 4)
    assert not pixels[int(start * RATE / 256) + 1 : int(stop * RATE / 256)].any()


def test_spoken_numbers_stay_where_that_is_off():
    recording = wav(CALL.samples)
    options = Options(transcriber=Scripted(NUMBER), redact_spoken=())
    report, archived = passed(recording, options)
    assert archived == recording
    assert "four one" in report.as_result()["transcript"]["sentences"][0]["transcript"]


def test_nobody_speaks():
    transcriber = Scripted()
    silence = wav(np.zeros((2, RATE * 3), np.float32))
    report, _ = passed(silence, Options(transcriber=transcriber, budget_seconds=1))
    assert report.as_result()["transcript"]["sentences"] == []
    assert transcriber.heard == []


SAMPLES = np.random.default_rng(3).uniform(-1, 1, (2, 10_000)).astype(np.float32)


@pytest.fixture
def sound():
    sound = SpooledSamples(io.BytesIO(), 2)
    for at in range(0, 10_000, 1234):
        sound.add(SAMPLES[:, at : at + 1234])
    return sound


@pytest.mark.parametrize(("first", "last"), [(0, 10), (1233, 1235), (9000, 10_000), (0, 10_000)])
@pytest.mark.parametrize("channel", [0, 1])
def test_gives_back_any_part(sound, channel, first, last):
    part = sound.read(channel, first, last)
    assert part.dtype == np.float32
    assert np.abs(part - SAMPLES[channel, first:last]).max() < 1 / 32767


def test_ends_where_it_ends(sound):
    assert len(sound.read(0, 9_990, 20_000)) == 10
    assert len(sound.read(0, 20_000, 20_010)) == 0


def test_what_is_too_loud_is_clipped():
    sound = SpooledSamples(io.BytesIO(), 1)
    sound.add(np.array([[2.0, -2.0, 0.5]], np.float32))
    assert sound.read(0, 0, 3) == pytest.approx([1.0, -1.0, 0.5], abs=1e-4)


def test_reads_between_writes():
    sound = SpooledSamples(io.BytesIO(), 1)
    sound.add(SAMPLES[:1, :100])
    sound.read(0, 0, 10)
    assert len(sound.read(0, 0, 100)) == 100
