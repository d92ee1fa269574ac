"""The declarations of metrics."""

from __future__ import annotations

import re

from addon.metrics import declarations
from addon.metrics.declarations import ALL_METRICS, Metric
from addon.requests import request, scheduling

DECLARED = [value for value in vars(declarations).values() if isinstance(value, Metric)]


def test_every_declared_metric_is_exposed_under_its_name() -> None:
    assert {metric.name: metric for metric in DECLARED} == ALL_METRICS


def test_names_end_as_prometheus_wants_it() -> None:
    for metric in DECLARED:
        assert re.fullmatch(r"addon_[a-z_]+[a-z]", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name


def test_histograms_alone_have_bounds_and_they_rise() -> None:
    for metric in DECLARED:
        assert bool(metric.bounds) == (metric.kind == "histogram"), metric.name
        assert list(metric.bounds) == sorted(set(metric.bounds))


def test_values_shown_beforehand_belong_to_counters_with_one_label() -> None:
    for metric in DECLARED:
        if metric.known:
            assert (metric.kind, len(metric.labels)) == ("counter", 1)


def test_every_counter_with_a_label_names_values_that_are_shown_as_zero() -> None:
    """But for hosts, which nobody knows beforehand: their alert waits for the second occurrence."""
    for metric in DECLARED:
        if metric.kind == "counter" and metric.labels and metric.labels != ("origin",):
            assert metric.known, metric.name
            assert len(set(metric.known)) == len(metric.known), metric.name


def test_the_values_are_those_that_occur() -> None:
    assert set(declarations.LANES) == set(scheduling.ALL_QUEUES)
    assert {"Forged", "Replayed", "InputMissing", "StoreUnavailable"} <= set(declarations.REASONS)
    assert {"61001", "64401"} <= set(declarations.CODES)
    sources = {request.MARKETPLACE, request.FLEX, request.RINGCENTRAL}
    assert set(declarations.ACCEPTED.known) == sources
