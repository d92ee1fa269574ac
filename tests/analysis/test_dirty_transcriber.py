"""The dirty transcriber hears what sounds, where it sounds, and errs as it is told to."""

import numpy as np
import pytest

from addon.analysis import Hints, Options
from tests.analysis.calls import RATE, passed, wav
from tests.analysis.dirty_transcriber import CLEAN, DIRTY, DirtyTranscriber, Mistakes, spoken_call

CALL, TRUTH = spoken_call(
    (1, 1.0, "Thank you for calling. How may I help you?"),
    (0, 5.0, "My number is four one two seven three nine eight six. It is at my house."),
    (1, 11.0, "One moment please."),
    (0, 14.7, "It is urgent."),
    seconds=18,
)


def heard(mistakes, samples=CALL, subtype="PCM_16"):
    transcriber = DirtyTranscriber(CALL, TRUTH, mistakes)
    options = Options(transcriber=transcriber, redact_spoken_numbers=False)
    document = passed(wav(samples, subtype=subtype), options)[0].as_result()
    return document, transcriber


def words(document):
    return [word for sentence in document["transcript"]["sentences"] for word in sentence["words"]]


@pytest.mark.parametrize("subtype", ["PCM_16", "ULAW"])
def test_without_mistakes_every_word_is_heard_where_it_was_spoken(subtype):
    document, _ = heard(CLEAN, subtype=subtype)
    said = words(document)
    assert [word["word"] for word in said] == [word.text for word in TRUTH]
    for word, truth in zip(said, TRUTH, strict=True):
        assert word["start_seconds"] == pytest.approx(truth.start, abs=0.12)


def test_a_muted_word_is_not_heard():
    muted = CALL.copy()
    muted[0, int(5.9 * RATE) : int(8.3 * RATE)] = 0
    said = {word["word"] for word in words(heard(CLEAN, muted)[0])}
    assert "four" not in said and "number" in said and "house." in said


def test_words_start_early_and_stay_in_their_sentences():
    document, _ = heard(Mistakes(early=0.3))
    texts = [sentence["transcript"] for sentence in document["transcript"]["sentences"]]
    assert texts[-1] == "It is urgent."
    assert document["transcript"]["sentences"][-1]["start_seconds"] >= 14.5


def test_the_dirtiest_transcript_stays_inside_the_segments():
    document, _ = heard(DIRTY)
    segments = document["segments"]
    for sentence in document["transcript"]["sentences"]:
        for word in sentence["words"]:
            assert any(
                segment["channel"] + 1 == sentence["media_channel"]
                and segment["start_seconds"] <= word["start_seconds"]
                and word["end_seconds"] <= segment["end_seconds"]
                for segment in segments
            )
    said = [word["word"] for word in words(document)]
    assert "watching." not in said
    assert len(said) <= len(TRUTH)


def test_the_language_is_detected_once_a_recording():
    _, transcriber = heard(CLEAN)
    assert transcriber.detections == 1
    assert [hints.language for _, hints in transcriber.pieces] == ["en"] * 2


def test_mistakes_are_the_same_every_time():
    assert words(heard(DIRTY)[0]) == words(heard(DIRTY)[0])


def test_every_digit_can_be_wrong():
    said = words(heard(Mistakes(wrong_digits=1.0))[0])
    truth = [word.text for word in TRUTH]
    assert all(
        word["word"] != text for word, text in zip(said, truth, strict=True) if text == "four"
    )


def test_silence_is_given_to_nobody():
    transcriber = DirtyTranscriber(CALL, TRUTH)
    said = transcriber.words(np.zeros(RATE, np.float32), Hints())
    assert [word.text for word in said] == ["Thank", "you", "for", "watching."]
