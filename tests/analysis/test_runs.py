"""Masks and their runs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.analysis import runs

masks = st.lists(st.booleans(), max_size=60).map(lambda bits: np.array(bits, np.bool_))


def spans(*pairs):
    return np.array(pairs, np.int64).reshape(-1, 2)


@given(masks)
def test_runs_and_masks_are_each_others_inverse(mask):
    assert np.array_equal(runs.mask(runs.runs(mask), len(mask)), mask)


@given(masks, st.integers(0, 10))
def test_joining_leaves_only_longer_gaps(mask, gap):
    joined = runs.joined(runs.runs(mask), gap)
    assert all(joined[1:, 0] - joined[:-1, 1] > gap)
    assert not np.any(mask & ~runs.mask(joined, len(mask)))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (runs.joined(spans((0, 5), (8, 9), (20, 22)), 3), spans((0, 9), (20, 22))),
        (runs.joined(spans((0, 5), (8, 9)), 2), spans((0, 5), (8, 9))),
        (runs.joined(spans(), 5), spans()),
        (runs.at_least(spans((0, 5), (8, 9)), 5), spans((0, 5))),
        (runs.padded(spans((1, 5), (8, 9)), 3, 0, 20), spans((0, 9))),
        (runs.padded(spans((2, 5), (17, 19)), 1, 2, 20), spans((1, 7), (16, 20))),
    ],
)
def test_on_runs(found, expected):
    assert np.array_equal(found, expected)


def test_a_span_may_reach_beyond_the_mask():
    assert runs.mask([(-3, 2), (8, 30)], 10).tolist() == [True] * 2 + [False] * 6 + [True] * 2


def test_frames_are_hundredths():
    assert runs.seconds(1234) == 12.34
