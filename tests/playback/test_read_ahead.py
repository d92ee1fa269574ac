"""Reading ahead: the same blocks and failures in the same order, bounded, and ended in time."""

from __future__ import annotations

import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from addon.errors import Tampered
from addon.playback.read_ahead import BEFORE, DEPTH, read_ahead


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=3), max_size=BEFORE + 5 * DEPTH), st.booleans())
def test_the_blocks_are_the_same_and_so_is_the_failure(content, fails):
    def blocks():
        yield from content
        if fails:
            raise Tampered("changed")

    found = []
    try:
        for block in read_ahead(blocks()):
            found.append(block)
    except Tampered:
        assert fails
    else:
        assert not fails
    assert found == content


def test_the_first_blocks_cost_no_thread():
    others = readers()
    blocks = read_ahead(iter([b"x"] * (BEFORE + 1)))
    for _ in range(BEFORE):
        assert next(blocks) == b"x"
    assert readers() - others == set()
    blocks.close()


def readers() -> set[threading.Thread]:
    """The threads of this kind that are alive, whoever started them."""
    return {each for each in threading.enumerate() if each.name == "read-ahead"}


def test_no_more_is_read_than_a_few_blocks():
    taken, wanted_more = [], threading.Event()

    def blocks():
        for number in range(100 * DEPTH):
            taken.append(number)
            if len(taken) == BEFORE + DEPTH:
                wanted_more.set()
            yield b"x"

    reading = read_ahead(blocks())
    for _ in range(BEFORE + 1):
        next(reading)
    assert wanted_more.wait(60)
    assert len(taken) <= BEFORE + DEPTH
    reading.close()


def test_the_thread_ends_when_the_listener_leaves():
    others = readers()
    reading = read_ahead(iter([b"x"] * 100 * DEPTH))
    for _ in range(BEFORE + 1):
        next(reading)
    (thread,) = readers() - others
    reading.close()
    thread.join(60)
    assert not thread.is_alive()
