"""SQL conditions of a filter, within the installs that its caller may see.

Every statement about recordings gets its conditions here: an install that is not allowed is left
out before anything else is asked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    ScalarSelect,
    Select,
    and_,
    exists,
    false,
    func,
    select,
    union,
)

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
AnyOf = list[int]
"""Tokens of which a recording has to have one: one for each install, or spelling."""


class Selection:
    """The rows that a filter finds: `source` to select from, and the `where` that they meet.

    Tokens that nothing has are left out first, so that most conditions are one token each: the
    first of these stands first in `source`, because its index is in the order of time. `by_time` is
    for who reads the first rows in that order, and not all.
    """

    def __init__(
        self,
        connection: Connection,
        wanted: Filter,
        installs: Collection[str],
        made: Tokens,
        *,
        by_time: bool = False,
    ) -> None:
        self._by_time = by_time
        self._counts: dict[int, int] = {}
        self.source: FromClause = recordings
        self.id: ColumnElement[int] = recordings.c.id
        self.where: list[Condition] = []
        self._connection = connection
        self._made = made
        self._installs = [one for one in installs if wanted.install in (None, one)]
        self._add_columns(wanted)
        asked = self._asked(wanted)
        if wanted.text is not None:
            self._add_text(wanted.text, asked)
        self._add_tokens(asked)

    def _add_columns(self, wanted: Filter) -> None:
        row, allowed = recordings.c, self._installs
        if len(allowed) == 1:
            self.where.append(row.install == allowed[0])
        else:
            self.where.append(row.install.in_(allowed) if allowed else false())
        if wanted.since is not None:
            self.where.append(row.id >= first_id(wanted.since + _ALMOST_A_SECOND))
        if wanted.until is not None:
            self.where.append(row.id < first_id(wanted.until + _ALMOST_A_SECOND))
        for name in ("call_sid", "source", "state", "code", "direction"):
            value = getattr(wanted, name)
            if value is not None:
                self.where.append(row[name] == value)
        for name in ("agent", "queue"):
            if getattr(wanted, name) == NONE:
                self.where.append(row[name].is_(None))
        self.where += (_within(each) for each in wanted.ranges)

    def _asked(self, wanted: Filter) -> list[AnyOf]:
        """The tokens of a filter's conditions, of which each has to be met."""
        asked: list[AnyOf] = [[self._made.of(FLAG, "", one)] for one in wanted.flags]
        asked += ([self._made.of(CATEGORY, "", one)] for one in wanted.categories)
        if wanted.number is not None:
            asked.append(self._of_number(wanted.number))
        if wanted.agent not in (None, NONE):
            asked.append(self._of_name(str(wanted.agent), AGENT, AGENT_PART))
        if wanted.queue not in (None, NONE):
            asked.append(self._of_name(str(wanted.queue), QUEUE))
        if wanted.outcome is not None:
            asked.append(self._of_each(OUTCOME, folded(wanted.outcome)))
        if wanted.words is not None:
            asked += (self._of_each(WORD, word) for word in words_of(wanted.words))
        return self._known(asked)

    def _add_tokens(self, asked: list[AnyOf]) -> None:
        for each in sorted(asked, key=len):
            is_common = self._by_time and sum(self._counts[one] for one in each) >= COMMON
            if self.source is not recordings or (is_common and len(each) > 1):
                self.where.append(_has_any(each, recordings.c.id))
            elif len(each) == 1:
                self.source = tokens.join(recordings, tokens.c.id == recordings.c.id)
                self.id = tokens.c.id
                self.where.append(tokens.c.token == each[0])
            else:
                self.where.append(recordings.c.id.in_(_ids_with([each])))

    def _add_text(self, text: str, asked: list[AnyOf]) -> None:
        """Part of a SID, a number, an agent, a queue, an outcome, or all of some words."""
        readings = [self._known(one) for one in self._readings(text)]
        readings = [one for one in readings if all(one)]
        parts = [part for part in re.split(r"…|\.\.\.", text) if part]
        if not parts or not all(_SID_PART.fullmatch(part) for part in parts):
            if len(readings) == 1:
                asked += readings[0]
                return
            found = [_ids_with(one) for one in readings]
        else:
            found = [_ids_with_sid(parts), *map(_ids_with, readings)]
        self.where.append(recordings.c.id.in_(union(*found)) if found else false())

    def _readings(self, text: str) -> Iterator[list[AnyOf]]:
        """The tokens of what a text may mean besides a SID."""
        digits = digits_of(text)
        if digits and len(digits) >= ENDINGS[0]:
            yield [self._of_number(text)]
        else:
            names = self._of_name(text, AGENT, AGENT_PART, QUEUE, OUTCOME)
            yield [[*names, *self._of_each(NUMBER, folded(text))]]
        if words := words_of(text):
            yield [self._of_each(WORD, word) for word in words]

    def _known(self, asked: list[AnyOf]) -> list[AnyOf]:
        """The same without the tokens that no recording has."""
        every = sorted({token for each in asked for token in each})
        for start in range(0, len(every), PROBES):
            some = every[start : start + PROBES]
            counted = select(*map(_count, some))
            self._counts |= zip(some, self._connection.execute(counted).one(), strict=True)
        return [[token for token in each if self._counts[token]] for each in asked]

    def _of_number(self, number: str) -> AnyOf:
        digits, whole = digits_of(number), number.lstrip().startswith(("+", "00"))
        if digits is None or whole:
            return self._of_each(NUMBER, normal_number(number))
        return self._of_each(ENDING, digits[-ENDINGS[-1] :])

    def _of_name(self, text: str, *kinds: str) -> AnyOf:
        if text.startswith(GROUP_MARK):
            key = text.removeprefix(GROUP_MARK)
            return [int(key, 16)] if re.fullmatch(r"[0-7][0-9a-f]{15}", key) else []
        name = folded(text)
        return [token for kind in kinds for token in self._of_each(kind, name)]

    def _of_each(self, kind: str, text: str) -> AnyOf:
        return [self._made.of(kind, install, text) for install in self._installs]


COMMON = 2000
"""Recordings that have a token, counted up to this: of so many, a page is soon found by looking at
each in the order of time; fewer are better taken together."""

PROBES = 500
"""Tokens looked for in one statement: a row has at most 1,664 columns in Postgres."""

_ALMOST_A_SECOND = timedelta(microseconds=999_999)
"""Ids count whole seconds; a moment within one means the next."""


def _count(token: int) -> ScalarSelect[int]:
    some = select(tokens.c.id).where(tokens.c.token == token).limit(COMMON).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def _ids_with(asked: list[AnyOf]) -> Select[tuple[int]]:
    """The ids of recordings that have one of each."""
    first = tokens.alias()
    found = select(first.c.id).where(first.c.token.in_(asked[0]))
    return found.where(*(_has_any(each, first.c.id) for each in asked[1:]))


def _has_any(found: AnyOf, id: ColumnElement[int]) -> Condition:
    other = tokens.alias()
    having = exists().where(other.c.id == id, other.c.token.in_(found))
    return having.correlate_except(other)


def _ids_with_sid(parts: list[str]) -> Select[tuple[int]]:
    escaped = [re.sub(r"([%_\\])", r"\\\1", part.lower()) for part in parts]
    other = recordings.alias()
    return select(other.c.id).where(other.c.sids.like(f"%{'%'.join(escaped)}%", escape="\\"))


def _within(wanted: Range) -> Condition:
    column = recordings.c[wanted.figure]
    bounds = [column > wanted.over] if wanted.over is not None else []
    if wanted.under is not None:
        bounds.append(column < wanted.under)
    return and_(*bounds)
