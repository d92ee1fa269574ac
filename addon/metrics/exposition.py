"""The text that Prometheus scrapes, from what was counted and what is measured at this moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from addon.metrics.counters import SEPARATOR, SUM
from addon.metrics.declarations import ALL_METRICS, Metric

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Gauge:
    """A value as it is now."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()


def exposition(counted: Mapping[str, float], gauges: Iterable[Gauge]) -> bytes:
    """All metrics in Prometheus' text format. Fields of metrics that are no more are left out."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(counted, gauges))
    return generate_latest(registry)


class _Families:
    """A collector of prometheus_client: one family a metric."""

    def __init__(self, counted: Mapping[str, float], gauges: Iterable[Gauge]) -> None:
        self._series: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in ALL_METRICS}
        for name, value in counted.items():
            metric, *parts = name.split(SEPARATOR)
            known = ALL_METRICS.get(metric)
            if known and len(parts) == len(known.labels) + bool(known.bounds):
                self._series[metric][tuple(parts)] = value
        for gauge in gauges:
            self._series[gauge.metric.name][gauge.labels] = gauge.value

    def collect(self) -> Iterator[Family]:
        """Every declared metric, also those that nothing was counted of."""
        for name, metric in ALL_METRICS.items():
            yield (
                _histogram(metric, self._series[name])
                if metric.bounds
                else _plain(metric, self._series[name])
            )


def _plain(metric: Metric, series: Mapping[tuple[str, ...], float]) -> Family:
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.says, labels=metric.labels)
    shown = [(value,) for value in metric.known] if metric.labels else [()]
    for labels, value in sorted({**dict.fromkeys(shown, 0.0), **series}.items()):
        family.add_metric(labels, value)
    return family


def _histogram(metric: Metric, series: Mapping[tuple[str, ...], float]) -> Family:
    from prometheus_client.metrics_core import HistogramMetricFamily

    family = HistogramMetricFamily(metric.name, metric.says, labels=metric.labels)
    for labels in sorted({parts[:-1] for parts in series}):
        family.add_metric(
            labels, list(_cumulated(metric, labels, series)), series.get((*labels, SUM), 0.0)
        )
    return family


def _cumulated(
    metric: Metric, labels: tuple[str, ...], series: Mapping[tuple[str, ...], float]
) -> Iterator[tuple[str, float]]:
    total = 0.0
    for bound in (*map(str, metric.bounds), "+Inf"):
        total += series.get((*labels, bound), 0.0)
        yield bound, total
