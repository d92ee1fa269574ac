"""What is muted is heard again: complete only where nothing is found around it any more."""

import io
from dataclasses import replace

import numpy as np
import pytest

from addon.analysis.spoken_numbers import Speech
from addon.analysis.spoken_redaction import (
    MAX_ROUNDS,
    SPOKEN_KINDS,
    MutedSamples,
    find,
    parties_of,
    prove,
)
from addon.analysis.transcription import Heard, SpooledSamples
from addon.analysis.words import Word
from tests.analysis.calls import RATE

DURATION = 60.0


def words(text, at, channel=0, step=0.4):
    return [
        Word(word, at + step * index, at + step * index + 0.3, 0.9, channel)
        for index, word in enumerate(text.split())
    ]


class Ears:
    """Hears words that really lie at some times, where they are asked for and are not muted."""

    def __init__(self, spoken, reason=None):
        self.spoken, self.reason, self.asked = spoken, reason, []

    def __call__(self, spans, muted):
        self.asked.append(([span.tolist() for span in spans], list(muted)))
        if self.reason:
            return Heard(left_out=self.reason)
        heard = [
            word
            for word in self.spoken
            if any(a <= word.start * 100 < b for a, b in spans[word.channel])
            and not any(start <= word.start < stop for start, stop in muted)
        ]
        return Heard(heard)


FIRST = words("four two four two four two four two", 10.0)
#: What is said besides, in the segments of either party.
REST = [
    *words("let me see where it goes on", 14.2),
    *words("that is all of it", 18.1),
    *words("thank you very much", 30.2),
    *words("I have that now thanks", 21.1, channel=1),
]
SEGMENTS = [[(10.0, 13.2), (14.0, 17.0), (18.0, 20.0), (30.0, 32.0)], [(21.0, 23.0)]]


def proved(transcript, ears, kinds=SPOKEN_KINDS):
    transcript = transcript + REST
    parties = parties_of(transcript, SEGMENTS)
    return prove(find(parties, kinds), parties, kinds, DURATION, ears)


def test_nothing_found_is_not_heard_again():
    ears = Ears([])
    spoken = proved(words("hello there", 10.0), ears)
    assert ears.asked == [] and spoken.found("spoken_number").intervals == []


def test_silence_around_a_number_is_complete_after_one_hearing():
    ears = Ears(FIRST + words("thank you", 18.5))
    spoken = proved(FIRST, ears)
    assert (spoken.heard_again, spoken.reason, len(ears.asked)) == (True, None, 1)
    assert spoken.found("spoken_number").intervals == [(9.5, 13.7)]
    spans, _ = ears.asked[0]
    assert spans[0] == spans[1] == [[350, 950], [1371, 1970]]


def test_digits_that_the_first_hearing_missed_are_muted_with_their_segment():
    ears = Ears(FIRST + words("four two four two", 14.2) + words("thank you", 18.5))
    spoken = proved(FIRST, ears)
    [(start, stop)] = spoken.found("spoken_number").intervals
    assert start <= 10.0 and 17.0 <= stop < 18.0
    assert spoken.heard_again and len(ears.asked) == 2


def test_a_lone_one_is_no_digit_and_a_lone_nine_is():
    assert len(proved(FIRST, ears := Ears(words("one moment", 14.2))).finds) == 1
    assert len(ears.asked) == 1
    [(_, stop)] = proved(FIRST, Ears(words("nine", 14.2))).found("spoken_number").intervals
    assert stop >= 17.0


def test_more_is_muted_each_time_and_then_it_is_incomplete():
    class Endless(Ears):
        def __call__(self, spans, muted):
            super().__call__(spans, muted)
            return Heard([Word("seven", max(stop for _, stop in muted) + 0.6, DURATION, 0.9)])

    ears = Endless([])
    spoken = proved(FIRST, ears)
    assert not spoken.heard_again and "still heard" in spoken.reason
    assert len(ears.asked) == MAX_ROUNDS
    ends = [max(stop for _, stop in muted) for _, muted in ears.asked]
    assert ends == sorted(set(ends))


def test_a_hearing_that_is_left_out_proves_nothing():
    spoken = proved(FIRST, Ears([], reason="Left out: it would have been late."))
    found = spoken.found("spoken_number")
    assert (found.heard_again, found.intervals) == (False, [(9.5, 13.7)])
    assert "not heard again" in found.doubt and "late" in found.doubt


def test_the_silence_beside_a_number_goes_up_to_the_next_segment():
    late = words("four two four two four two four two", 18.0, step=0.2)
    [found] = find(parties_of(REST[:7] + late + REST[12:], SEGMENTS), SPOKEN_KINDS)
    assert found.interval == (17.5, 20.5)


def test_only_the_kinds_that_are_wanted_are_found():
    said = FIRST + REST[:12] + words("the security code is one two three", 30.1, step=0.25)
    parties = parties_of(said, SEGMENTS)
    assert {one.kind for one in find(parties, SPOKEN_KINDS)} == {"spoken_number", "security_code"}
    assert [one.kind for one in find(parties, ("security_code",))] == ["security_code"]
    assert find(parties, ()) == []


def test_a_number_read_back_by_the_other_party_is_found():
    said = FIRST + words("four two four two right", 21.0, channel=1)
    assert [one.channel for one in find(parties_of(said, SEGMENTS), SPOKEN_KINDS)] == [0, 1]


@pytest.mark.parametrize("interval", [(0.1, 0.2), (0.0, 0.15), (0.3, 9.0)])
def test_what_is_heard_again_is_silent_where_it_is_muted(interval):
    sound = SpooledSamples(io.BytesIO(), 1)
    sound.add(np.full((1, 4000), 0.5, np.float32))
    muted = MutedSamples(sound, [interval])
    heard = np.concatenate([muted.read(0, 0, 1000), muted.read(0, 1000, 4000)])
    first, last = (min(int(edge * RATE), 4000) for edge in interval)
    assert not heard[first:last].any()
    assert np.count_nonzero(heard) == 4000 - (last - first)


def test_parties_have_their_own_words():
    parties = parties_of(FIRST + words("hello", 21.0, channel=1), SEGMENTS)
    assert [len(one.words) for one in parties] == [8, 1]
    assert isinstance(parties[0], Speech)


@pytest.mark.parametrize(("sure", "stop"), [(0.9, 13.7), (0.6, 17.5)])
def test_a_number_goes_on_until_its_partys_words_are_clear(sure, stop):
    """Digits in noise are written as a sentence of which no word is sure."""
    said = words("let me see where it goes on", 14.2)
    after = [replace(word, confidence=sure) for word in said]
    [found] = find(parties_of(FIRST + after + REST[7:], SEGMENTS), SPOKEN_KINDS)
    assert found.interval == (9.5, stop)
