"""The text is what Prometheus' own parser reads, and says what was counted."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from addon.metrics import declarations
from addon.metrics.counters import field
from addon.metrics.declarations import ALL_METRICS
from addon.metrics.exposition import Gauge, exposition
from addon.requests.measures import additions
from tests.entries import finished


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_every_metric_is_there_from_the_start():
    families = {
        family.name for family in text_string_to_metric_families(exposition({}, []).decode())
    }
    assert families == {name.removesuffix("_total") for name in ALL_METRICS}


def test_a_counter_without_labels_starts_at_zero():
    assert samples(exposition({}, []))["addon_duplicates_total", ()] == 0


def test_what_an_alert_waits_for_starts_at_zero():
    """Prometheus sees no increase in a series whose first value is 1."""
    found = samples(exposition({field(declarations.MISSES, "1m"): 2}, []))
    assert found["addon_deadline_misses_total", (("length", "30s"),)] == 0
    assert found["addon_deadline_misses_total", (("length", "1m"),)] == 2
    assert found["addon_delivery_tries_total", (("outcome", "unauthorised"),)] == 0


def test_counters_and_gauges_keep_their_labels():
    found = samples(
        exposition(
            {field(declarations.REJECTIONS, "Forged"): 3},
            [Gauge(declarations.DEPTH, 7, ("express",))],
        )
    )
    assert found["addon_rejections_total", (("reason", "Forged"),)] == 3
    assert found["addon_lane_depth", (("lane", "express"),)] == 7


def test_histogram_buckets_are_cumulative_and_end_with_all():
    counted: dict[str, float] = {}
    for pace in (0.01, 0.2, 4.0, 12.0):
        for name, amount in additions(finished(10, pace=pace)).items():
            counted[name] = counted.get(name, 0) + amount
    found = samples(exposition(counted, []))

    def bucket(bound: str) -> float:
        return found["addon_elapsed_per_duration_bucket", (("le", bound), ("length", "30s"))]

    assert [bucket(bound) for bound in ("0.05", "0.25", "3.0", "5.0", "10.0", "+Inf")] == [
        1, 2, 2, 3, 3, 4,
    ]  # fmt: skip
    assert found["addon_elapsed_per_duration_count", (("length", "30s"),)] == 4


def test_what_an_older_version_counted_is_left_out():
    assert exposition({"addon_gone_total|x": 1}, []) == exposition({}, [])
