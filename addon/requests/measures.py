"""Adds a finished request to the metrics: its outcome, its length, and the time of each stage."""

from __future__ import annotations

import time
from collections import Counter

from addon.metrics import declarations
from addon.metrics.counters import Additions, Counters, field, observed
from addon.requests import sla
from addon.requests.request import has_deadline
from addon.requests.state import RequestState, RequestStates

COUNT_S = 5.0
"""Between two counts: less than any interval at which metrics are read."""


def count_finished(states: RequestStates, counters: Counters) -> None:
    """Add the requests that have ended to the metrics, each once. Raises RedisError.

    Jobs count nothing themselves: a dozen fields are added to for many requests together. A process
    that dies in it loses what it has just taken.
    """
    while entries := states.take_uncounted():
        together: Counter[str] = Counter()
        for entry in entries:
            together.update(additions(entry))
        counters.add(together)


class FinishedCounting:
    """Counts the finished requests every COUNT_S, for the sweeper, which asks more often."""

    def __init__(self, states: RequestStates, counters: Counters) -> None:
        self._states = states
        self._counters = counters
        self._counted_at = float("-inf")

    def step(self) -> None:
        """Count them where it is time. Raises RedisError."""
        if time.monotonic() - self._counted_at >= COUNT_S:
            self._counted_at = time.monotonic()
            count_finished(self._states, self._counters)


def additions(entry: RequestState) -> Additions:
    """The additions of a finished request to all counters."""
    length = sla.length_class(entry.duration)
    amounts: Additions = {field(declarations.FINISHED, entry.outcome or "unknown"): 1}
    if entry.code is not None:
        amounts[field(declarations.FAILURES, str(entry.code))] = 1
    if sla.missed(entry):
        amounts[field(declarations.MISSES, length)] = 1
    if entry.duration:
        amounts[field(declarations.AUDIO, length)] = entry.duration
    if entry.pace is not None and has_deadline(entry.source):
        amounts |= observed(declarations.PACE, entry.pace, length)
    for stage, seconds in stages(entry).items():
        amounts |= observed(declarations.STAGE, seconds, stage, length)
    return amounts


def stages(entry: RequestState) -> dict[str, float]:
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
