"""The lines of the status report."""

from __future__ import annotations

import pytest

from addon.commands.status_report import overview, overview_lines, slo_head, slo_line, span
from addon.requests import sla
from tests.commands.test_ledger import enter, sources

__all__ = ["sources"]


def test_the_time_left_is_said_and_so_is_its_end(sources):
    enter(sources.queues, sources.intake_store, received_at=1000.0)
    whole = overview(sources, 1060.0)
    assert list(overview_lines(whole, 1060.0))[1].endswith("received 60 s ago, 2 min left")
    assert list(overview_lines(whole, 1250.0))[1].endswith("4 min ago, 50 s past its deadline")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (100, "100 s"), (600, "10 min"), (9000, "2.5 h")],
)
def test_spans_are_in_one_unit(seconds, text):
    assert span(seconds) == text


def test_the_slo_s_figures_stand_under_their_heads():
    row = sla.Paces("30s", 3, 1.0, 2.0, 3.0, 3.0, tuple(0 for _ in sla.LIMITS), 0)
    heads, figures = slo_head().split(), slo_line(row).split()
    assert dict(zip(heads, figures, strict=False))["p90"] == "2.00x"
