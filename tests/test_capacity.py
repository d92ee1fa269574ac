"""docs/capacity.md says what `benchmarks/capacity.py` computes, and that computes what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import capacity
from benchmarks.capacity import Inputs, Plan

PAGE = (Path(__file__).parent.parent / "docs" / "capacity.md").read_text()


def test_the_page_holds_the_table():
    assert capacity.table() in PAGE


def test_the_page_holds_the_inputs():
    inputs = capacity.Inputs()
    assert f"{inputs.redis_commands:g}, those in transactions" in PAGE
    assert f"{inputs.web} s and {inputs.web_per_mb} s a MB" in PAGE
    assert f"{inputs.per_second} s of a core" in PAGE
    assert f"about {inputs.store_writes:g} writes, {inputs.store_reads:g} reads" in PAGE


def test_other_inputs_make_another_table():
    assert Plan(1_000_000, Inputs(job=10.0)).machines > Plan(1_000_000).machines
    assert capacity.table(Inputs(redis_commands=50)) != capacity.table()


def test_ten_times_as_many_take_ten_times_as_much():
    small, large = Plan(1_000_000), Plan(10_000_000)
    for what in ("rate", "worker_cores", "web_cores", "commands"):
        # Machines are whole ones, and each asks Redis while it waits.
        assert getattr(large, what) == pytest.approx(10 * getattr(small, what), rel=0.02)


def test_there_are_never_fewer_than_two_machines_and_one_cell():
    assert (Plan(1).machines, Plan(1).cells) == (2, 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [(2, "2"), (0.1234, "0.12"), (34.72, "35"), (1157, "1,200"), (0.0293, "0.029")],
)
def test_figures_have_two_digits_that_count(value, text):
    assert capacity.figure(value) == text


def test_it_prints(capsys):
    assert capacity.main() == 0
    assert capacity.table() in capsys.readouterr().out
