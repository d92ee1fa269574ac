"""Pages: each recording once, in every order, while others come and go."""

from __future__ import annotations

import pytest

from addon.catalogue import Filter, Sort
from addon.errors import InvalidParameter
from tests.catalogue.recordings import ONE, put

SILENCES = [5.0, None, 20.0, 5.0, None, 1.5, 5.0]


def every_page(catalogue, order: str, limit: int = 2) -> list[int]:
    sort, cursor, found = Sort.parse(order), None, []
    while True:
        page = catalogue.page(Filter(), sort, cursor, limit, [ONE])
        found += [int(one.recording_id[2:], 16) for one in page.recordings]
        cursor = page.cursor
        if cursor is None:
            return found


@pytest.fixture
def filled(catalogue):
    for number, silence in enumerate(SILENCES):
        put(catalogue, number, longest_silence_seconds=silence)
    return catalogue


@pytest.mark.parametrize(
    ("order", "numbers"),
    [
        ("time", [0, 1, 2, 3, 4, 5, 6]),
        ("-time", [6, 5, 4, 3, 2, 1, 0]),
        ("-longest_silence_seconds", [2, 6, 3, 0, 5, 4, 1]),
        ("longest_silence_seconds", [5, 0, 3, 6, 2, 4, 1]),
        ("agent_sentiment", [6, 5, 4, 3, 2, 1, 0]),
    ],
)
def test_each_comes_once_and_what_is_unknown_last(filled, order, numbers):
    for limit in (1, 2, 3, 7, 100):
        assert every_page(filled, order, limit) == numbers


def test_what_comes_and_goes_between_two_pages_makes_none_come_twice(filled):
    first = filled.page(Filter(), Sort(), None, 3, [ONE])
    put(filled, 9)
    filled.remove(ONE, [first.recordings[-1].recording_id])
    second = filled.page(Filter(), Sort(), first.cursor, 10, [ONE])
    assert [int(one.recording_id[2:], 16) for one in second.recordings] == [3, 2, 1, 0]


@pytest.mark.parametrize(
    "cursor", ["x", "time/1/2", "-time/nan/1", "-time//x", "-time//1/2", "-duration_seconds//1"]
)
def test_a_cursor_that_was_not_given_is_refused(filled, cursor):
    with pytest.raises(InvalidParameter, match=r"^cursor: "):
        filled.page(Filter(), Sort(), cursor, 2, [ONE])
