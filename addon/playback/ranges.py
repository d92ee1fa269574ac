"""Byte ranges as RFC 9110 section 14 defines them: the bytes that a Range header asks for.

A header that is malformed or asks for too many ranges counts as absent, as the section allows;
nothing a client sends may raise anything but Unsatisfiable. Not werkzeug's parser: decision 0507.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_RANGES = 32
"""Players ask for one; a header with more specs than this is ignored (RFC 9110 14.2, 17.15)."""

MAX_HEADER_LENGTH = 2048
"""Room for MAX_RANGES pairs of 19 digits, and for the spaces that lists may hold."""

_SPEC = re.compile(r"[ \t]*(?:([0-9]+)-([0-9]*)|-([0-9]+))[ \t]*", re.ASCII)


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
    found: list[Range] = []
    for first, last, suffix in specs:
        if suffix:
            start, stop = max(length - int(suffix), 0), length
        else:
            start, stop = int(first), int(last) + 1 if last else length
            if last and stop <= start:
                return None
        if start < min(stop, length):
            found.append(Range(start, min(stop, length)))
    if not found:
        raise Unsatisfiable
    return coalesced(found)


def _specs(header: str | None) -> list[tuple[str, ...]] | None:
    """First position, last position and suffix length of each spec, in digits or empty."""
    if header is None or len(header) > MAX_HEADER_LENGTH:
        return None
    unit, _, text = header.partition("=")
    parts = [part for part in text.split(",") if part.strip(" \t")]
    if unit.strip(" \t").lower() != "bytes" or not 1 <= len(parts) <= MAX_RANGES:
        return None
    matches = [match for part in parts if (match := _SPEC.fullmatch(part))]
    return [match.groups("") for match in matches] if len(matches) == len(parts) else None


def coalesced(ranges: list[Range]) -> list[Range]:
    """Joined and in order where any two touch; as they were given where none do."""
    joined: list[Range] = []
    for one in sorted(ranges):
        if joined and one.start <= joined[-1].stop:
            joined[-1] = Range(joined[-1].start, max(joined[-1].stop, one.stop))
        else:
            joined.append(one)
    return ranges if len(joined) == len(ranges) else joined
