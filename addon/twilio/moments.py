"""Parses the invocation date and its time to live in all plausible formats (spec/protocol 1.7).

No source names the formats. A value that cannot be read counts as absent, so that no recording is
lost for it.
"""

from __future__ import annotations

import email.utils
import math
from datetime import UTC, datetime, timedelta

from addon.errors import InvocationExpired

SKEW = timedelta(seconds=300)
"""How far two clocks may be apart (spec/protocol 1.7)."""

_MILLISECONDS_FROM = 1e11
"""As seconds this is the year 5138; as milliseconds 1973. No invocation is from either."""


def parse_moment(text: str) -> datetime | None:
    """A moment in UTC from ISO 8601, RFC 2822, or epoch seconds or milliseconds; else None."""
    number = parse_number(text)
    if number is not None:
        return _from_epoch(number)
    for parse in (datetime.fromisoformat, email.utils.parsedate_to_datetime):
        try:
            moment = parse(text.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def parse_number(text: str) -> float | None:
    """A finite number that is not negative, else None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def check_age(invoked_at: datetime | None, ttl_seconds: float | None, now: datetime) -> None:
    """Raises InvocationExpired outside [date - skew, date + TTL + skew]; without a date, never."""
    if invoked_at is None:
        return
    if invoked_at - now > SKEW:
        raise InvocationExpired("the invocation date lies in the future")
    if ttl_seconds is not None and (now - invoked_at - SKEW).total_seconds() > ttl_seconds:
        raise InvocationExpired("the invocation's time to live has passed")


def _from_epoch(number: float) -> datetime | None:
    seconds = number / 1000 if number >= _MILLISECONDS_FROM else number
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
