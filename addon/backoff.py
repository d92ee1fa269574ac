"""Pauses before another try: the one back-off of everything that asks again.

A pause is a length of time and never a moment, so that a clock that is set does not prolong it.
"""

from __future__ import annotations

import email.utils
import random
from collections.abc import Mapping
from datetime import UTC, datetime

MAX_RETRY_AFTER_S = 3600.0
"""A host that names a longer pause is not believed: the work's own deadline is nearer."""

LONGEST_S = 60.0
"""Where nothing else is given (spec/protocol 1.8)."""


def pause(
    tries: int,
    retry_after: float | None = None,
    *,
    first_s: float = 1.0,
    longest_s: float = LONGEST_S,
    jitter: float = 0.0,
) -> float:
    """Seconds to wait after so many failed tries in a row, from 1: twice as long each time.

    A host's own Retry-After is the least. `jitter` is the share of the pause, from 0 to 1, that is
    left to chance, so that many that failed together do not come back together.
    """
    whole = min(longest_s, first_s * 2.0 ** min(tries - 1, 16))
    return max(whole * (1 - jitter * random.random()), retry_after or 0.0)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds from an answer's Retry-After (RFC 9110 10.2.3), None where it cannot be read.

    A date there is counted from the answer's own Date, for our clock may be wrong; `now` is only
    used where that is missing. Never more than MAX_RETRY_AFTER_S.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER_S)
    until = _moment(text)
    if until is None:
        return None
    wait = until - (_moment(headers.get("Date", "")) or now)
    return min(max(wait.total_seconds(), 0.0), MAX_RETRY_AFTER_S)


def _moment(text: str) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
