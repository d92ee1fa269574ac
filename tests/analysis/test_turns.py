"""The rules about the floor, on small timelines drawn by hand (10 ms frames)."""

import numpy as np
import pytest

from addon.analysis import turns
from addon.analysis.timeline import Timeline

LINE = Timeline(60_000)


def spans(*pairs):
    return np.array(pairs, np.int64).reshape(-1, 2)


def floors(one, other):
    return turns.floors([spans(*one), spans(*other)], LINE)


def test_short_pauses_do_not_end_a_turn():
    floor, _ = floors([(0, 300), (400, 600), (800, 900)], [])
    assert (floor.turns, floor.longest_monologue) == (1, 9.0)


def test_a_long_pause_ends_a_turn():
    floor, _ = floors([(0, 300), (501, 600)], [])
    assert (floor.turns, floor.longest_monologue) == (2, 3.0)


def test_the_other_party_ends_a_turn():
    one, other = floors([(0, 300), (450, 600)], [(310, 440)])
    assert (one.turns, other.turns) == (2, 1)


def test_a_nod_is_no_turn():
    one, other = floors([(0, 1000)], [(400, 450)])
    assert (one.turns, one.longest_monologue) == (1, 10.0)
    assert (other.turns, other.backchannels) == (0, 1)


@pytest.mark.parametrize("nod", [(400, 500), (950, 1040)])
def test_longer_or_sticking_out_it_is_no_nod(nod):
    _, other = floors([(0, 1000)], [nod])
    assert (other.turns, other.backchannels) == (1, 0)


@pytest.mark.parametrize(
    ("one", "other", "interval"),
    [
        ((0, 300), (250, 500), (2.5, 3.0)),
        ((200, 300), (250, 500), (2.5, 3.0)),
        ((201, 300), (250, 500), None),  # had spoken for less than half a second
        ((0, 279), (250, 500), None),  # both spoke for less than 0.3 s
        ((0, 300), (250, 349), None),  # said less than a second
        ((0, 600), (250, 500), None),  # did not get the floor
    ],
)
def test_interruptions(one, other, interval):
    first, second = floors([one], [other])
    assert second.interruptions == ([interval] if interval else [])
    assert first.interruptions == []


def test_answers_are_timed_from_the_end_of_the_other_turn():
    one, other = floors([(0, 300), (700, 900)], [(350, 600), (1000, 1200)])
    assert (other.latency.median, other.latency.p90, other.latency.count) == (0.75, 0.95, 2)
    assert (one.latency.median, one.latency.count) == (1.0, 1)


def test_an_overlap_is_no_answer():
    _, other = floors([(0, 300)], [(250, 600)])
    assert (other.latency.median, other.latency.count) == (None, 0)


def test_nobody_speaks():
    assert [floor.turns for floor in floors([], [])] == [0, 0]
    assert [floor.longest_monologue for floor in floors([], [])] == [0.0, 0.0]


def test_a_turn_ends_with_the_recording():
    floor, _ = turns.floors([spans((0, 369)), spans()], Timeline(3682))
    assert floor.longest_monologue == 3.682
