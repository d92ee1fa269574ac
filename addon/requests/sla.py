"""The SLA in figures: how long finished requests took, as multiples of their audio's length.

Twilio asks for a median under 3 and a 99th percentile under 5 times the length, and fails what
takes more than 10 (spec/protocol 1.8). Nothing here reads a clock or a store.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from addon.errors import DeadlineMissed
from addon.metrics.declarations import LENGTHS, UNKNOWN
from addon.requests.request import has_deadline
from addon.requests.scheduling import FAIL_AT
from addon.requests.state import RequestState

LIMITS = (3.0, 5.0, FAIL_AT)
"""Multiples of the length: what the median and the 99th percentile should keep, and the end."""


@dataclass(frozen=True)
class Paces:
    """The requests of one class: how many, their paces' percentiles, how many broke a limit."""

    length: str
    requests: int
    p50: float
    p90: float
    p99: float
    longest: float
    over: tuple[int, ...]
    missed: int

    @property
    def kept(self) -> bool:
        """True if the class is within what Twilio recommends, and nothing was failed."""
        return self.p50 <= LIMITS[0] and self.p99 <= LIMITS[1] and not self.missed


def length_class(seconds: float | None) -> str:
    """The class of a length in seconds."""
    if seconds is None:
        return UNKNOWN
    return next(name for name, limit in LENGTHS.items() if seconds <= limit)


def missed(entry: RequestState) -> bool:
    """True if a request had no result in time: answered with a failure for it, or too late."""
    if not has_deadline(entry.source):
        return False
    return entry.code == DeadlineMissed.code or (entry.pace or 0.0) > FAIL_AT


def paces(entries: Iterable[RequestState]) -> list[Paces]:
    """One row a class that has any timed requests, shortest first; a row for all comes last."""
    groups: dict[str, list[RequestState]] = {name: [] for name in (*LENGTHS, UNKNOWN)}
    for entry in (each for each in entries if has_deadline(each.source)):
        groups[length_class(entry.duration)].append(entry)
    rows = [_row(name, group) for name, group in groups.items() if group]
    everything = [entry for group in groups.values() for entry in group]
    return [*rows, _row("all", everything)] if everything else []


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of sorted values; NaN where there are none."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _row(name: str, entries: Sequence[RequestState]) -> Paces:
    ordered = sorted(entry.pace for entry in entries if entry.pace is not None)
    return Paces(
        length=name,
        requests=len(entries),
        p50=percentile(ordered, 0.5),
        p90=percentile(ordered, 0.9),
        p99=percentile(ordered, 0.99),
        longest=percentile(ordered, 1.0),
        over=tuple(sum(pace > limit for pace in ordered) for limit in LIMITS),
        missed=sum(map(missed, entries)),
    )
