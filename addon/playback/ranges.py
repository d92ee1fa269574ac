"""Byte ranges as RFC 9110 section 14 defines them: which bytes a request asks for.

Pure arithmetic over a length. A header that is malformed or greedy counts as absent, as the
section allows; nothing a client sends may raise anything but Unsatisfiable.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_RANGES = 32
"""Players ask for one; a header with more specs than this is ignored (RFC 9110 14.2, 17.15)."""

MAX_HEADER_LENGTH = 2048
"""Room for MAX_RANGES pairs of 19 digits, and for the spaces that lists may hold."""

_SPEC = re.compile(r"[ \t]*(?:([0-9]+)-([0-9]*)|-([0-9]+))[ \t]*", re.ASCII)
_MAX_DIGITS = 19
"""A position with more digits lies behind the end of anything: 2**63 has 19."""


class Range(NamedTuple):
    """Bytes from `start` up to, not including, `stop`; never empty."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """In bytes."""
        return self.stop - self.start

    def content_range(self, length: int) -> str:
        """The Content-Range of this part of `length` bytes."""
        return f"bytes {self.start}-{self.stop - 1}/{length}"


class Unsatisfiable(Exception):
    """None of the ranges touches the content: the answer is 416 (RFC 9110 15.5.17)."""


def wanted(header: str | None, length: int) -> list[Range] | None:
    """The ranges that `header` asks for out of `length` bytes, None for all of it.

    Overlapping and adjacent ranges are joined, in the order of their first byte; others keep the
    order in which they were asked for. Raises Unsatisfiable.
    """
    specs = _specs(header)
    if specs is None:
        return None
    found = [one for first, last in specs if (one := _resolved(first, last, length))]
    if not found:
        raise Unsatisfiable
    return coalesced(found)


def _specs(header: str | None) -> list[tuple[int | None, int | None]] | None:
    """Pairs of first and last position; without a first one, the last so many bytes."""
    if header is None or len(header) > MAX_HEADER_LENGTH:
        return None
    unit, equals, text = header.partition("=")
    if not equals or unit.strip(" \t").lower() != "bytes":
        return None
    parts = [part for part in text.split(",") if part.strip(" \t")]
    if not 1 <= len(parts) <= MAX_RANGES:
        return None
    specs = [_spec(part) for part in parts]
    return None if None in specs else [spec for spec in specs if spec]


def _spec(part: str) -> tuple[int | None, int | None] | None:
    match = _SPEC.fullmatch(part)
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        return None, _position(suffix)
    begin, end = _position(first), _position(last) if last else None
    if end is not None and end < begin:
        return None
    return begin, end


def _position(digits: str) -> int:
    return int(digits) if len(digits.lstrip("0")) <= _MAX_DIGITS else 10**_MAX_DIGITS


def _resolved(first: int | None, last: int | None, length: int) -> Range | None:
    """One range within `length`, None where it touches nothing."""
    if first is None:
        start, stop = max(length - (last or 0), 0), length
    else:
        start, stop = first, length if last is None else min(last + 1, length)
    return Range(start, stop) if start < stop else None


def coalesced(ranges: list[Range]) -> list[Range]:
    """Joined and in order where any two touch; as they were given where none do."""
    joined: list[Range] = []
    for one in sorted(ranges):
        if joined and one.start <= joined[-1].stop:
            joined[-1] = Range(joined[-1].start, max(joined[-1].stop, one.stop))
        else:
            joined.append(one)
    return ranges if len(joined) == len(ranges) else joined
