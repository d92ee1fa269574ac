"""RFC 9110 section 14, case by case, and whatever else a client may write into the header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.playback.ranges import MAX_RANGES, Range, Unsatisfiable, coalesced, wanted

LENGTH = 10_000

# The examples of RFC 9110 14.1.2, for a representation of 10,000 bytes.
EXAMPLES = {
    "bytes=0-499": [(0, 500)],
    "bytes=500-999": [(500, 1000)],
    "bytes=-500": [(9500, 10_000)],
    "bytes=9500-": [(9500, 10_000)],
    "bytes=0-0,-1": [(0, 1), (9999, 10_000)],
    "bytes= 0-999, 4500-5499, -1000": [(0, 1000), (4500, 5500), (9000, 10_000)],
    "bytes=500-600,601-999": [(500, 1000)],
    "bytes=500-700,601-999": [(500, 1000)],
}

SINGLE = {
    "bytes=0-": [(0, 10_000)],
    "bytes=0-1": [(0, 2)],
    "bytes=9999-9999": [(9999, 10_000)],
    "bytes=9000-20000": [(9000, 10_000)],
    "bytes=-20000": [(0, 10_000)],
    "bytes=000000000000000000000000001-2": [(1, 3)],
    "bytes=0-99999999999999999999999999999999": [(0, 10_000)],
    "Bytes=0-1": [(0, 2)],
    "bytes=0-1,": [(0, 2)],
    "bytes=,0-1": [(0, 2)],
    "bytes=20-29,0-9": [(20, 30), (0, 10)],
    "bytes=20-29,0-9,5-12": [(0, 13), (20, 30)],
    "bytes=0-9,20000-": [(0, 10)],
    "bytes=0-9,-0": [(0, 10)],
}


@pytest.mark.parametrize(("header", "expected"), (EXAMPLES | SINGLE).items())
def test_ranges_are_resolved(header, expected):
    assert wanted(header, LENGTH) == expected


@pytest.mark.parametrize(
    "header",
    [
        "bytes=10000-",
        "bytes=10000-10001",
        "bytes=99999999999999999999999999-",
        "bytes=-0",
        "bytes=10000-,20000-",
    ],
)
def test_what_touches_nothing_is_unsatisfiable(header):
    with pytest.raises(Unsatisfiable):
        wanted(header, LENGTH)


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=-1", "bytes=0-0"])
def test_nothing_can_be_had_of_an_empty_recording(header):
    with pytest.raises(Unsatisfiable):
        wanted(header, 0)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-4",
        "bytes=1-2-3",
        "bytes=--1",
        "bytes=+1-2",
        "bytes=1 -2",
        "bytes=0x1-2",
        "bytes=١-٢",
        "bytes=0-1;2-3",
        "bytes=0-1,x",
        "seconds=0-1",
        "items=0-1",
        "bytes 0-1",
        "bytes:0-1",
        "bytes=" + "9" * 5000 + "-",
    ],
)
def test_a_header_that_is_no_byte_range_is_ignored(header):
    assert wanted(header, LENGTH) is None


def test_more_ranges_than_a_player_asks_for_are_ignored():
    many = ",".join(f"{n * 10}-{n * 10}" for n in range(MAX_RANGES + 1))
    assert wanted("bytes=" + many, LENGTH) is None
    assert len(wanted("bytes=" + many.rpartition(",")[0], LENGTH)) == MAX_RANGES


def test_content_range_counts_from_zero_to_the_last_byte():
    assert Range(0, 500).content_range(1234) == "bytes 0-499/1234"
    assert Range(0, 500).length == 500


positions = st.integers(0, 40)


@given(st.lists(st.tuples(positions, positions), max_size=12), st.integers(1, 30))
def test_the_bytes_are_those_asked_for_each_once(pairs, length):
    header = "bytes=" + ",".join(f"{first}-{last}" for first, last in pairs)
    valid = pairs and all(first <= last for first, last in pairs)
    asked = {n for first, last in pairs for n in range(first, last + 1) if n < length}
    try:
        found = wanted(header, length)
    except Unsatisfiable:
        assert not asked
        return
    if not valid:
        assert found is None
        return
    given_out = [n for one in found for n in range(*one)]
    assert sorted(given_out) == sorted(asked)


@given(st.text(max_size=60), st.integers(0, 100))
def test_no_header_raises_anything_else(text, length):
    for header in (text, "bytes=" + text):
        try:
            found = wanted(header, length)
        except Unsatisfiable:
            continue
        assert found is None or all(0 <= start < stop <= length for start, stop in found)


def test_ranges_that_do_not_touch_keep_their_order():
    ranges = [Range(8, 9), Range(0, 3)]
    assert coalesced(ranges) == ranges
    assert coalesced([Range(8, 9), Range(0, 3), Range(3, 5)]) == [Range(0, 5), Range(8, 9)]
