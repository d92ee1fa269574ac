"""The conversation's figures from masks drawn by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.analysis import runs
from addon.analysis.conversation import converse
from addon.analysis.timeline import Timeline


def masks(frames, *parties):
    return [runs.mask(spans, frames) for spans in parties]


def talked(*parties, duration_ms=60_000, non_talk_seconds=3.0):
    timeline = Timeline(duration_ms)
    speech = masks(timeline.frames, *parties)
    return converse(speech, timeline, non_talk_seconds=non_talk_seconds)


@given(
    st.integers(1, 3000),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=8),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=8),
)
def test_talk_silence_and_crosstalk_make_the_whole(duration_ms, one, other):
    """A + C - crosstalk + silence = T, to the millisecond."""
    talk = talked(one, other, duration_ms=duration_ms)
    assert talk.crosstalk is not None
    whole = sum(talk.talk) - talk.crosstalk + talk.silence
    assert round(whole * 1000) == duration_ms


def test_the_figures():
    talk = talked([(100, 1000), (3000, 4000)], [(900, 1500), (3010, 3100), (5950, 6000)])
    assert talk.talk == [19.0, 7.4]
    assert talk.crosstalk == 1.9
    assert talk.crosstalk_count == 2
    assert talk.silence == 60 - 19 - 7.4 + 1.9
    assert talk.longest_silence == 19.5
    assert (talk.initial_silence, talk.trailing_silence) == (1.0, 0.0)
    assert talk.non_talk.intervals == [(15.0, 30.0), (40.0, 59.5)]
    assert talk.non_talk.total == 34.5
    assert talk.dead_air.intervals == [(15.0, 30.0), (40.0, 59.5)]
    assert talk.talk_ratio == pytest.approx([0.7197, 0.2803])


def test_a_touch_is_not_counted_as_crosstalk():
    talk = talked([(0, 100)], [(85, 300)])
    assert talk.crosstalk == 0.15
    assert talk.crosstalk_count == 0


def test_dead_air_lies_between_words():
    talk = talked([(2000, 2100)], [(4000, 4100)])
    assert talk.dead_air.intervals == [(21.0, 40.0)]
    assert talk.non_talk.intervals == [(0.0, 20.0), (21.0, 40.0), (41.0, 60.0)]


def test_the_threshold_is_the_callers():
    talk = talked([(0, 1000), (1600, 6000)], [], non_talk_seconds=6.5)
    assert talk.non_talk.threshold == 6.5
    assert talk.non_talk.intervals == []


def test_silence_throughout():
    talk = talked([], [])
    assert talk.silence == talk.longest_silence == 60.0
    assert talk.initial_silence is None and talk.trailing_silence is None
    assert talk.talk_ratio == [None, None]
    assert talk.dead_air.intervals == []


def test_one_party_has_no_crosstalk_and_no_floor():
    talk = talked([(100, 200)])
    assert talk.crosstalk is None and talk.crosstalk_count is None
    assert talk.floors == []
    assert talk.talk == [1.0] and talk.silence == 59.0
