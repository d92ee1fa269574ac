"""A filter and a sort order, as the parameters of an address say them.

The list's pages, the overview and the API parse the same parameters here, so that every view is an
address. Parameters that are none of a filter are passed over.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Self, cast

from addon.archive.names import is_id
from addon.catalogue.row import DIRECTIONS, STATES, State
from addon.catalogue.search_tokens import digits_of, words_of
from addon.catalogue.tables import FIGURES
from addon.errors import InvalidParameter

MAX_TEXT = 200
LEAST_DIGITS = 4
OVER, UNDER = "_over", "_under"
GROUP_MARK = "~"
"""Before the key of a group of `totals`, as a value of `agent` or `queue`: no name in a link."""
NONE = GROUP_MARK
"""As a value of `agent` or `queue`: recordings without one, the group whose key is None."""


@dataclass(frozen=True)
class Range:
    """A figure that is more than `over`, less than `under`, or both; each may be None."""

    figure: str
    over: float | None = None
    under: float | None = None


@dataclass(frozen=True)
class Filter:
    """Conditions that a recording must all meet; one that is None or empty asks for nothing.

    `since` is the first second, `until` the first one behind. `text` is part of a SID, a number,
    an agent, a queue or words. `number` has at least four digits: one that begins with + is whole,
    another is found by its last seven or fewer. `agent`, `queue`: a name, or GROUP_MARK and a
    group's key. `flags` and `categories` (`rule`, or `rule=status`) must all be there.
    """

    install: str | None = None
    call_sid: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    number: str | None = None
    agent: str | None = None
    queue: str | None = None
    words: str | None = None
    direction: str | None = None
    outcome: str | None = None
    source: str | None = None
    state: State | None = None
    code: int | None = None
    flags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    ranges: tuple[Range, ...] = ()

    @classmethod
    def parse(cls, parameters: Iterable[tuple[str, str]]) -> Self:
        """The filter of an address's parameters, in pairs. Raises InvalidParameter."""
        values: dict[str, Any] = {}
        ranges: dict[str, Range] = {}
        for name, text in parameters:
            text = text.strip()
            if not text:
                continue
            figure, bound = _bound(name)
            if figure is not None:
                known = ranges.get(figure, Range(figure))
                number = _number(name, text)
                over = number if bound == OVER else known.over
                ranges[figure] = Range(figure, over, number if bound == UNDER else known.under)
            elif name in _MANY:
                values[_MANY[name]] = (*values.get(_MANY[name], ()), _name(name, text))
            elif name in _PARSERS:
                field, parse = _PARSERS[name]
                values[field] = parse(name, text)
        return cls(**values, ranges=tuple(ranges.values()))

    def parameters(self) -> list[tuple[str, str]]:
        """The parameters that `parse` makes this filter of: what a link carries."""
        found: list[tuple[str, str]] = []
        for name, (field, _) in _PARSERS.items():
            value = getattr(self, field)
            if value is not None:
                found.append((name, value.isoformat() if name in _TIMES else str(value)))
        for name, field in _MANY.items():
            found += ((name, value) for value in getattr(self, field))
        for one in self.ranges:
            for bound, value in ((OVER, one.over), (UNDER, one.under)):
                if value is not None:
                    found.append((one.figure + bound, f"{value:g}"))
        return found

    @property
    def is_empty(self) -> bool:
        """True if every recording meets it."""
        return all(getattr(self, each.name) in (None, ()) for each in fields(self))

    def replace(self, **changes: Any) -> Self:
        """The same with other conditions, by field name."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Sort:
    """An order: by `time` or by a figure; recordings without that figure come last."""

    by: str = "time"
    descending: bool = True

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """`time`, or a figure; with a minus the highest first. Raises InvalidParameter."""
        if not text:
            return cls()
        by = text.removeprefix("-")
        if by != "time" and by not in FIGURES:
            raise InvalidParameter(f"sort: not time, {', '.join(FIGURES)}, or one with a minus")
        return cls(by, text.startswith("-"))

    def __str__(self) -> str:
        return f"-{self.by}" if self.descending else self.by


def _bound(name: str) -> tuple[str | None, str]:
    for end in (OVER, UNDER):
        if name.endswith(end) and name.removesuffix(end) in FIGURES:
            return name.removesuffix(end), end
    return None, ""


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidParameter(f"{name}: not a number")
    return number


def _whole(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise InvalidParameter(f"{name}: not a whole number")
    return int(text)


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidParameter(
            f"{name}: not a moment such as 2026-11-20T08:00:00Z, or a UTC day"
        ) from None


def _id(name: str, text: str) -> str:
    if not is_id(text):
        raise InvalidParameter(f"{name}: no such thing can exist")
    return text


def _text(name: str, text: str) -> str:
    if len(text) > MAX_TEXT or not text.isprintable():
        raise InvalidParameter(f"{name}: longer than {MAX_TEXT} characters, or not printable")
    return text


def _name(name: str, text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.=-]{1,100}", text):
        raise InvalidParameter(f"{name}: no such name can exist")
    return text


def _phone(name: str, text: str) -> str:
    digits = digits_of(_text(name, text))
    if digits is not None and len(digits) < LEAST_DIGITS:
        raise InvalidParameter(f"{name}: at least its last {LEAST_DIGITS} digits")
    return text


def _words(name: str, text: str) -> str:
    if not words_of(_text(name, text)):
        raise InvalidParameter(f"{name}: at least one word of three letters, without digits")
    return text


def _one_of(*known: str) -> Callable[[str, str], str]:
    def parse(name: str, text: str) -> str:
        if text not in known:
            raise InvalidParameter(f"{name}: not one of {', '.join(known)}")
        return text

    return parse


_PARSERS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "install": ("install", _id),
    "call_sid": ("call_sid", _id),
    "since": ("since", _moment),
    "until": ("until", _moment),
    "q": ("text", _text),
    "number": ("number", _phone),
    "agent": ("agent", _text),
    "queue": ("queue", _text),
    "words": ("words", _words),
    "direction": ("direction", _one_of(*DIRECTIONS)),
    "outcome": ("outcome", _text),
    "source": ("source", _id),
    "state": ("state", _one_of(*cast(tuple[str, ...], STATES))),
    "code": ("code", _whole),
}
_TIMES = ("since", "until")
_MANY = {"flag": "flags", "category": "categories"}
