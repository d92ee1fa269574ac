"""Counters and histograms in one Redis hash, added to from every process of every machine.

Each addition is atomic in Redis, so that nothing has to be collected from processes that die.
Counting never fails the work that is counted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import redis
from redis.exceptions import RedisError

from addon import log
from addon.metrics.declarations import Metric
from addon.redis_commands import all_done, execute_all
from addon.redis_keys import METRICS

SUM = "sum"
SEPARATOR = "|"
"""Between a field's parts: the metric's name, its labels' values, and a histogram's bucket."""

Additions = dict[str, float]

logger = log.get("metrics")


class Counters:
    """The counts since Redis was last empty; Prometheus knows such resets."""

    def __init__(self, connection: redis.Redis) -> None:
        self.redis: Any = connection

    def count(self, metric: Metric, *labels: str, by: float = 1) -> None:
        """Add to a counter. Never raises."""
        if not self.add({field(metric, *labels): by}):
            logger.debug("not counted", metric=metric.name)

    def add(self, amounts: Mapping[str, float]) -> bool:
        """Add to many fields at once; False where Redis does not answer."""
        try:
            self._add(amounts)
        except RedisError:
            return False
        return True

    def read(self) -> dict[str, float]:
        """Every field and its value, but for what is no number. Raises RedisError."""
        found = {}
        for name, value in self.redis.hgetall(METRICS).items():
            with suppress(ValueError):
                found[name.decode()] = float(value)
        return found

    def _add(self, amounts: Mapping[str, float]) -> None:
        commands = [("HINCRBYFLOAT", METRICS, name, by) for name, by in amounts.items()]
        all_done(execute_all(self.redis, commands))


def field(metric: Metric, *labels: str) -> str:
    """The field of a counter in the hash. Raises ValueError for the wrong number of labels."""
    if len(labels) != len(metric.labels):
        raise ValueError(f"{metric.name} has the labels {metric.labels}")
    return SEPARATOR.join((metric.name, *labels))


def observed(metric: Metric, value: float, *labels: str) -> Iterator[tuple[str, float]]:
    """The additions of one observation to a histogram: to its bucket, and to the sum."""
    at = bisect_left(metric.bounds, value)
    bound = str(metric.bounds[at]) if at < len(metric.bounds) else "+Inf"
    own = field(metric, *labels)
    yield SEPARATOR.join((own, bound)), 1
    yield SEPARATOR.join((own, SUM)), value
