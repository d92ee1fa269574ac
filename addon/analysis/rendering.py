"""Notation of figures in the result: intervals as pairs, and a reason beside every null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from addon.analysis.timeline import Interval

Json = dict[str, Any]


def pairs(intervals: Sequence[Interval]) -> list[list[float]]:
    """Intervals as [start, end] in seconds, three decimals."""
    return [[round(start, 3), round(end, 3)] for start, end in intervals]


def decimal(value: float | None) -> float | None:
    """Decibels with one decimal."""
    return None if value is None else round(value, 1)


def explained(document: Json, reasons: Mapping[str, str]) -> Json:
    """The document with `<name>_reason` after every null that `reasons` knows."""
    with_reasons: Json = {}
    for name, value in document.items():
        with_reasons[name] = value
        if value is None and name in reasons:
            with_reasons[f"{name}_reason"] = reasons[name]
    return with_reasons
