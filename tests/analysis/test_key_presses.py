"""Presses: medians over their windows, and how far they are believed, alone and in company."""

import pytest

from addon.analysis import key_presses
from addon.analysis.dtmf import ToneWindow
from addon.analysis.key_presses import Certainty, KeyPress

CLEAR = ToneWindow(
    at=0,
    key=5,
    power=0.01,
    band=0.98,
    wide=0.95,
    group=0.97,
    ratio=40.0,
    twist_db=1.0,
    low_offset=0.001,
    high_offset=-0.001,
)


def press(start: int = 0, length: int = 12, *, cut: bool = False, **shown: float) -> KeyPress:
    seen = [CLEAR._replace(at=start + index, **shown) for index in range(length)]
    return key_presses.judged(seen, cut=cut)


#: What a certain press must not show, and a possible one.
DOUBTFUL = {"band": 0.85, "wide": 0.6, "ratio": 5.0, "twist_db": 12.0, "high_offset": -0.009}
FAINT = {
    "little of the band, and little that stands out": {"band": 0.5, "ratio": 7.5},
    "next to nothing of the sound": {"wide": 0.07},
    "little of a group, and little that stands out": {"group": 0.4, "ratio": 7.5},
    "hardly stronger than other keys": {"ratio": 4.2},
    "one tone far louder": {"twist_db": -17.0},
    "one tone out of place": {"low_offset": 0.024},
}


def test_a_clear_press_is_certain():
    assert press().certainty is Certainty.CERTAIN


@pytest.mark.parametrize(("name", "value"), DOUBTFUL.items())
def test_a_press_that_misses_one_figure_is_possible(name, value):
    assert press(**{name: value}).certainty is Certainty.POSSIBLE


@pytest.mark.parametrize("name", FAINT)
def test_a_press_that_is_far_from_what_is_asked_is_faint(name):
    assert press(**FAINT[name]).certainty is Certainty.FAINT


@pytest.mark.parametrize(
    "shown",
    [
        {"band": 0.35, "wide": 0.1, "group": 0.35, "ratio": 20.0},
        {"band": 0.65, "wide": 0.2, "group": 0.55, "ratio": 5.5},
    ],
    ids=["under hum with strong harmonics", "under noise"],
)
def test_a_steady_press_under_something_louder_is_possible(shown):
    assert press(**shown).certainty is Certainty.POSSIBLE
    assert press(length=6, **shown).certainty is Certainty.FAINT
    assert press(**shown, high_offset=-0.006).certainty is Certainty.FAINT


def test_looks_with_something_louder_do_not_speak_against_the_clear_ones():
    covered = CLEAR._replace(band=0.35, wide=0.1, low_offset=0.03)
    seen = [covered._replace(at=at) for at in range(7)]
    seen += [CLEAR._replace(at=at) for at in range(7, 13)]
    judged = key_presses.judged(seen)
    assert judged.certainty is Certainty.CERTAIN
    assert (judged.first, judged.last) == (0, 12)


def test_a_short_press_is_possible_only_where_the_recording_cuts_it():
    assert press(length=3).certainty is Certainty.FAINT
    assert press(length=3, cut=True).certainty is Certainty.POSSIBLE


def test_one_noisy_window_decides_nothing():
    seen = [CLEAR._replace(at=at) for at in range(12)]
    seen[6] = seen[6]._replace(band=0.4, wide=0.2, ratio=4.0, low_offset=0.006)
    assert key_presses.judged(seen).certainty is Certainty.CERTAIN


def test_a_press_is_as_long_as_it_is_loud():
    seen = [CLEAR._replace(at=at, power=0.01 if 3 <= at <= 8 else 0.001) for at in range(12)]
    found = key_presses.judged(seen)
    assert (found.first, found.start, found.stop, found.last) == (0, 3, 8, 11)
    assert found.length == 6


def test_a_row_is_regular():
    row = [press(start=40 * index, band=0.8) for index in range(4)]
    assert key_presses.is_row(row)
    assert not key_presses.is_row(row[:3])


UNLIKE = {
    "a long wait": lambda: press(start=700, band=0.8),
    "another pace": lambda: press(start=150, band=0.8),
    "another length": lambda: press(start=120, length=20, band=0.8),
    "another level": lambda: press(start=120, band=0.8, power=0.03),
    "another offset": lambda: press(start=120, band=0.8, low_offset=0.018),
    "a strong twist": lambda: press(start=120, band=0.8, twist_db=11.0),
}


@pytest.mark.parametrize("odd", UNLIKE.values(), ids=UNLIKE)
def test_one_press_unlike_the_others_is_no_row(odd):
    row = [press(start=40 * index, band=0.8) for index in range(3)]
    assert not key_presses.is_row([*row, odd()])


def test_presses_of_one_telephone_are_alike_in_level_and_offset():
    assert key_presses.are_alike(press(), press(power=0.03, low_offset=0.005))
    assert not key_presses.are_alike(press(), press(power=0.1))
    assert not key_presses.are_alike(press(), press(high_offset=0.012))


def test_two_pieces_of_one_key_close_together_are_pieces_of_one_press():
    first, second = press(length=2, band=0.6), press(start=8, length=2, band=0.6)
    assert key_presses.are_pieces(first, second)
    assert not key_presses.are_pieces(first, press(start=30, length=2, band=0.6))
    assert not key_presses.are_pieces(first, press(start=8, length=2, band=0.6, key=6))
    assert not key_presses.are_pieces(first, press(start=8, length=2, band=0.45))


def test_bars_for_muting_are_nowhere_above_the_bar_for_counting():
    for easier in (key_presses.POSSIBLE, key_presses.CUT):
        assert easier.length <= key_presses.CERTAIN.length
        assert easier.band <= key_presses.CERTAIN.band
        assert easier.wide <= key_presses.CERTAIN.wide
        assert easier.apart >= key_presses.CERTAIN.apart
