"""SQL conditions of a filter, within the installs that its caller may see.

Every statement about recordings gets its conditions here: an install that is not allowed is left
out before anything else is asked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import timedelta

from sqlalchemy import ColumnElement, FromClause, and_, exists, false, or_

from addon.catalogue.filters import GROUP_MARK, NONE, Filter, Range
from addon.catalogue.row import first_id
from addon.catalogue.search_tokens import (
    AGENT,
    AGENT_PART,
    CATEGORY,
    ENDING,
    ENDINGS,
    FLAG,
    NUMBER,
    OUTCOME,
    QUEUE,
    WORD,
    Tokens,
    digits_of,
    folded,
    normal_number,
    words_of,
)
from addon.catalogue.tables import recordings, tokens

_SID_PART = re.compile(r"[A-Za-z]{0,2}[0-9A-Fa-f]{2,}|[A-Za-z0-9._-]*[0-9][A-Za-z0-9._-]*")
"""Part of a SID: two letters and hexadecimal digits; of another id, something with a digit."""

Condition = ColumnElement[bool]


class Selection:
    """The rows that a filter finds: `source` to select from, and the `where` that they meet.

    The first token that is asked for stands first in `source`: its index is in the order of time.
    """

    def __init__(self, wanted: Filter, installs: Collection[str], made: Tokens) -> None:
        self.source: FromClause = recordings
        self.id: ColumnElement[int] = recordings.c.id
        self.where: list[Condition] = []
        self._made = made
        self._installs = installs
        self._add(wanted)

    def _add(self, wanted: Filter) -> None:
        self._add_installs(wanted.install)
        if wanted.since is not None:
            self.where.append(recordings.c.id >= first_id(wanted.since + _ALMOST_A_SECOND))
        if wanted.until is not None:
            self.where.append(recordings.c.id < first_id(wanted.until + _ALMOST_A_SECOND))
        for name in ("call_sid", "source", "state", "code", "direction"):
            value = getattr(wanted, name)
            if value is not None:
                self.where.append(recordings.c[name] == value)
        self.where += (_within(each) for each in wanted.ranges)
        self._add_tokens(wanted)
        if wanted.text is not None:
            self.where.append(self._anything(wanted.text))

    def _add_installs(self, install: str | None) -> None:
        allowed = [one for one in self._installs if install in (None, one)]
        if len(allowed) == 1:
            self.where.append(recordings.c.install == allowed[0])
        else:
            self.where.append(recordings.c.install.in_(allowed) if allowed else false())
        self._installs = allowed

    def _add_tokens(self, wanted: Filter) -> None:
        found: list[list[int]] = [[self._made.of(FLAG, "", one)] for one in wanted.flags]
        found += ([self._made.of(CATEGORY, "", one)] for one in wanted.categories)
        if wanted.number is not None:
            found.append(self._of_number(wanted.number))
        for name in ("agent", "queue"):
            if getattr(wanted, name) == NONE:
                self.where.append(recordings.c[name].is_(None))
        if wanted.agent not in (None, NONE):
            found.append(self._of_name(wanted.agent, AGENT, AGENT_PART))
        if wanted.queue not in (None, NONE):
            found.append(self._of_name(wanted.queue, QUEUE))
        if wanted.outcome is not None:
            found.append(self._of_each(OUTCOME, folded(wanted.outcome)))
        if wanted.words is not None:
            found += (self._of_each(WORD, word) for word in words_of(wanted.words))
        for each in sorted(found, key=len):
            if len(each) == 1 and self.source is recordings:
                self.source = tokens.join(recordings, tokens.c.id == recordings.c.id)
                self.id = tokens.c.id
                self.where.append(tokens.c.token == each[0])
            else:
                self.where.append(_has_any(each))

    def _anything(self, text: str) -> Condition:
        """Part of a SID, a number, an agent, a queue, an outcome, or all of some words."""
        found: list[Condition] = []
        parts = [part for part in re.split(r"…|\.\.\.", text) if part]
        if parts and all(_SID_PART.fullmatch(part) for part in parts):
            found.append(_has_sid(parts))
        digits = digits_of(text)
        if digits and len(digits) >= ENDINGS[0]:
            found.append(_has_any(self._of_number(text)))
        else:
            names = self._of_name(text, AGENT, AGENT_PART, QUEUE, OUTCOME)
            found.append(_has_any([*names, *self._of_each(NUMBER, folded(text))]))
        words = words_of(text)
        if words:
            found.append(and_(*(_has_any(self._of_each(WORD, word)) for word in words)))
        return or_(*found)

    def _of_number(self, number: str) -> list[int]:
        digits, whole = digits_of(number), number.lstrip().startswith(("+", "00"))
        if digits is None or whole:
            return self._of_each(NUMBER, normal_number(number))
        return self._of_each(ENDING, digits[-ENDINGS[-1] :])

    def _of_name(self, text: str, *kinds: str) -> list[int]:
        if text.startswith(GROUP_MARK):
            key = text.removeprefix(GROUP_MARK)
            return [int(key, 16)] if re.fullmatch(r"[0-9a-f]{16}", key) else []
        name = folded(text)
        return [token for kind in kinds for token in self._of_each(kind, name)]

    def _of_each(self, kind: str, text: str) -> list[int]:
        return [self._made.of(kind, install, text) for install in self._installs]


_ALMOST_A_SECOND = timedelta(microseconds=999_999)
"""Ids count whole seconds; a moment within one means the next."""


def _has_any(found: Iterable[int]) -> Condition:
    other = tokens.alias()
    having = exists().where(other.c.id == recordings.c.id, other.c.token.in_(list(found)))
    return having.correlate(recordings)


def _has_sid(parts: list[str]) -> Condition:
    escaped = [re.sub(r"([%_\\])", r"\\\1", part.lower()) for part in parts]
    return recordings.c.sids.like(f"%{'%'.join(escaped)}%", escape="\\")


def _within(wanted: Range) -> Condition:
    column = recordings.c[wanted.figure]
    bounds = [column > wanted.over] if wanted.over is not None else []
    if wanted.under is not None:
        bounds.append(column < wanted.under)
    return and_(*bounds)
