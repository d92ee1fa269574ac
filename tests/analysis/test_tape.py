"""The sound kept for a transcriber."""

import io

import numpy as np
import pytest

from addon.analysis.tape import Tape

SAMPLES = np.random.default_rng(3).uniform(-1, 1, (2, 10_000)).astype(np.float32)


@pytest.fixture
def tape():
    tape = Tape(io.BytesIO(), 2)
    for at in range(0, 10_000, 1234):
        tape.add(SAMPLES[:, at : at + 1234])
    return tape


@pytest.mark.parametrize(("first", "last"), [(0, 10), (1233, 1235), (9000, 10_000), (0, 10_000)])
@pytest.mark.parametrize("channel", [0, 1])
def test_gives_back_any_part(tape, channel, first, last):
    part = tape.read(channel, first, last)
    assert part.dtype == np.float32
    assert np.abs(part - SAMPLES[channel, first:last]).max() < 1 / 32767


def test_ends_where_it_ends(tape):
    assert len(tape.read(0, 9_990, 20_000)) == 10
    assert len(tape.read(0, 20_000, 20_010)) == 0


def test_what_is_too_loud_is_clipped():
    tape = Tape(io.BytesIO(), 1)
    tape.add(np.array([[2.0, -2.0, 0.5]], np.float32))
    assert tape.read(0, 0, 3) == pytest.approx([1.0, -1.0, 0.5], abs=1e-4)


def test_reads_between_writes():
    tape = Tape(io.BytesIO(), 1)
    tape.add(SAMPLES[:1, :100])
    tape.read(0, 0, 10)
    assert len(tape.read(0, 0, 100)) == 100
