"""Whole milliseconds that add up, also where the last frame is not whole."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from addon.analysis.timeline import Timeline, total


@given(st.integers(0, 5000), st.randoms())
def test_a_mask_and_its_complement_make_the_whole(duration_ms, rng):
    timeline = Timeline(duration_ms)
    mask = np.array([rng.random() < 0.5 for _ in range(timeline.frames)], np.bool_)
    assert timeline.milliseconds(mask) + timeline.milliseconds(~mask) == duration_ms


def test_the_last_frame_counts_for_what_is_left_of_it():
    timeline = Timeline(3682)
    last = np.arange(timeline.frames) == timeline.frames - 1
    assert timeline.frames == 369
    assert timeline.seconds(last) == 0.002
    assert timeline.intervals([(0, 5), (368, 369)]) == [(0.0, 0.05), (3.68, 3.682)]


def test_shares_of_nothing_are_nothing():
    assert Timeline(0).percent(0.0) == 0.0
    assert Timeline(3000).percent(1.0) == 33.33


def test_totals_have_three_decimals():
    assert total([(0.1, 0.3), (1.0, 1.1)]) == 0.3
    assert isinstance(total([]), float)
