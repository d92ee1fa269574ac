"""Counters and histograms in one Redis hash, added to from every process of every machine.

Each addition is atomic in Redis, so that nothing has to be collected from processes that die. An
error is swallowed here and nowhere else: what cannot be counted is not worth a recording.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any

import redis
from redis.exceptions import RedisError

from addon import log, sla
from addon.ledger import Entry
from addon.metrics import catalogue
from addon.metrics.catalogue import Metric

KEY = "metrics"
SUM = "sum"
SEPARATOR = "|"
"""Between a field's parts: the metric's name, its labels' values, and a histogram's bucket."""

Additions = dict[str, float]

logger = log.get("metrics")


class Counters:
    """What has been counted since Redis was last empty; Prometheus knows such resets."""

    def __init__(self, connection: redis.Redis) -> None:
        self.redis: Any = connection

    def count(self, metric: Metric, *labels: str, by: float = 1) -> None:
        """Add to a counter. Never raises."""
        if not self.add({field(metric, *labels): by}):
            logger.debug("not counted", metric=metric.name)

    def finished(self, entry: Entry) -> None:
        """Count a request that is over, with all its times; once, however often it is called."""
        try:
            if self.redis.hsetnx(f"ledger:{entry.sid}", "counted", 1):
                self._add(additions(entry))
        except RedisError:
            logger.debug("not counted", metric=catalogue.FINISHED.name)

    def add(self, amounts: Mapping[str, float]) -> bool:
        """Add to many fields at once; False where Redis does not answer."""
        try:
            self._add(amounts)
        except RedisError:
            return False
        return True

    def read(self) -> dict[str, float]:
        """Every field and its value. Raises RedisError."""
        return {name.decode(): float(value) for name, value in self.redis.hgetall(KEY).items()}

    def _add(self, amounts: Mapping[str, float]) -> None:
        with self.redis.pipeline() as pipe:
            for name, amount in amounts.items():
                pipe.hincrbyfloat(KEY, name, amount)
            pipe.execute()


def field(metric: Metric, *labels: str) -> str:
    """Where a counter lies in the hash. Raises ValueError for the wrong number of labels."""
    if len(labels) != len(metric.labels):
        raise ValueError(f"{metric.name} has the labels {metric.labels}")
    return SEPARATOR.join((metric.name, *labels))


def observed(metric: Metric, value: float, *labels: str) -> Iterator[tuple[str, float]]:
    """What one observation adds to a histogram: one to its bucket, and its value to the sum."""
    at = bisect_left(metric.bounds, value)
    bound = str(metric.bounds[at]) if at < len(metric.bounds) else "+Inf"
    own = field(metric, *labels)
    yield SEPARATOR.join((own, bound)), 1
    yield SEPARATOR.join((own, SUM)), value


def additions(entry: Entry) -> Additions:
    """What a finished request adds to all counters."""
    length = sla.length_class(entry.duration)
    amounts: Additions = {field(catalogue.FINISHED, entry.outcome or "unknown"): 1}
    if entry.code is not None:
        amounts[field(catalogue.FAILURES, str(entry.code))] = 1
    if sla.missed(entry):
        amounts[field(catalogue.MISSES, length)] = 1
    if entry.duration:
        amounts[field(catalogue.AUDIO, length)] = entry.duration
    if entry.pace is not None and sla.is_timed(entry):
        amounts |= observed(catalogue.PACE, entry.pace, length)
    for stage, seconds in stages(entry).items():
        amounts |= observed(catalogue.STAGE, seconds, stage, length)
    return amounts


def stages(entry: Entry) -> dict[str, float]:
    """Seconds in each stage that a request went through.

    A repeated attempt counts from its own start, and the wait before it as waiting.
    """
    moments = (
        ("queue", entry.received_at or None, entry.started_at),
        ("processing", entry.started_at, entry.archived_at),
        ("delivery", entry.archived_at, entry.delivered_at),
    )
    return {
        stage: max(0.0, end - start)
        for stage, start, end in moments
        if start is not None and end is not None
    }
