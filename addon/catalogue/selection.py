"""SQL conditions of a filter, within the installs that its caller may see.

Every statement about recordings gets its conditions here: an install that is not allowed is left
out before anything else is asked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    String,
    and_,
    exists,
    false,
    func,
    null,
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

COMMON = 2000
"""Recordings that meet a condition, counted up to this: of so many, a page is soon found by looking
at each in the order of the page; fewer are better taken together and sorted."""

MANY = 50_000
"""The same for who reads all: a row that an index finds costs a few times one in its order."""

MOST_PARTS = 20
"""Tokens that are begun with one by one, each in the order of time; more are taken together."""

PROBES = 500
"""Conditions counted in one statement: a row has at most 1,664 columns in Postgres."""

_ALMOST_A_SECOND = timedelta(microseconds=999_999)
"""Ids count whole seconds; a moment within one means the next."""

BY_TIME = frozenset({"id", "install", "state"})
"""Columns whose indexes are in the order of time."""


@dataclass(frozen=True)
class Part:
    """Rows to select from and the conditions that they meet.

    `id` and `figure` are what to order by; in the order of time `figure` is null.
    """

    source: FromClause
    where: Sequence[Condition]
    id: ColumnElement[int]
    figure: ColumnElement[Any] = field(default_factory=null)

    def select(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """A statement that gives these columns of the rows."""
        return select(*columns).select_from(self.source).where(*self.where)


def allowed(wanted: Filter, installs: Collection[str]) -> list[str]:
    """The installs that a filter asks for, of those that its caller may see."""
    return [one for one in installs if wanted.install in (None, one)]


class Selection:
    """The rows that a filter finds, in `parts`: a text may be one of several things, each of which
    has an index of its own.

    `order` is `time` or a figure for who reads the first rows in that order, and None for who reads
    all. A statement leaves the database one index to use, by how many rows each condition finds:
    SQLite does not know that.
    """

    def __init__(
        self,
        connection: Connection,
        wanted: Filter,
        installs: Collection[str],
        made: Tokens,
        order: str | None = None,
    ) -> None:
        self._connection = connection
        self._wanted = wanted
        self._figure = None if order == "time" else order
        self._is_all = order is None
        self._most = MANY if order is None else COMMON
        self._made = made
        self._installs = allowed(wanted, installs)
        self._counts: dict[int, int] = {}
        self._few = self._counted_columns()
        asked = self._asked(wanted)
        self.parts = list(self._of_text(wanted.text, asked) if wanted.text else self._of(asked))

    def whole(self) -> Part:
        """All of the rows as one part."""
        if len(self.parts) == 1:
            return self.parts[0]
        every = [part.select(part.id) for part in self.parts]
        is_one = recordings.c.id.in_(union(*every)) if every else false()
        return Part(recordings, [is_one], recordings.c.id)

    def _counted_columns(self) -> list[tuple[int, frozenset[str]]]:
        """Rows that each condition on an indexed column finds, up to a limit, with the column."""
        by_column: dict[frozenset[str], list[Condition]] = {
            frozenset({one.figure}): [_within(recordings.c[one.figure], one)]
            for one in self._wanted.ranges
        }
        if self._wanted.state is not None:
            by_column[frozenset({"state"})] = [recordings.c.state == self._wanted.state]
        if self._figure is not None:
            usable = frozenset({"id", "install"})
            by_column[usable] = self._conditions(usable, recordings.c.id, only_extent=True)
        found = [select(recordings.c.id).where(*one) for one in by_column.values()]
        counts = self._count(found, self._most)
        return list(zip(counts, by_column, strict=True))

    def _of(self, asked: list[AnyOf]) -> Iterator[Part]:
        """The rows that have one of each of these tokens."""
        usable, first = self._index(asked)
        where = [_has_any(each, recordings.c.id) for each in asked if each is not first]
        if first is None:
            yield self._part(recordings, _column("id", usable), usable, where)
        elif len(first) > MOST_PARTS:
            where.append(recordings.c.id.in_(_ids_with([first])))
            yield self._part(recordings, _column("id", usable), usable, where)
        else:
            joined = tokens.join(recordings, tokens.c.id == recordings.c.id)
            for token in first:
                yield self._part(joined, tokens.c.id, usable, [tokens.c.token == token, *where])

    def _part(
        self,
        source: FromClause,
        id: ColumnElement[int],
        usable: frozenset[str],
        where: list[Condition],
    ) -> Part:
        where = [*where, *self._conditions(usable, id)]
        if self._figure is None:
            return Part(source, where, id)
        figure = _column(self._figure, usable)
        by_index = self._figure in usable and len(usable) == 1
        return Part(
            source, [*where, figure.is_not(None)], recordings.c.id if by_index else id, figure
        )

    def _index(self, asked: list[AnyOf]) -> tuple[frozenset[str], AnyOf | None]:
        """The columns whose index is used, and the tokens to begin with."""
        nothing = frozenset[str]()
        if self._wanted.call_sid is not None:
            return nothing, None
        first = min(asked, key=self._count_of, default=None)
        number = self._most if first is None else self._count_of(first)
        fewest, usable = min(self._few, key=lambda one: one[0], default=(self._most, nothing))
        if fewest < min(number, self._most):
            return usable, None
        if first is not None and number < COMMON:
            return nothing, first
        if self._figure is not None:
            return frozenset({self._figure}), None
        if first is not None and (self._is_all or len(first) <= MOST_PARTS):
            return nothing, first
        return BY_TIME if len(self._installs) == 1 or self._is_all else BY_TIME - {"install"}, None

    def _conditions(
        self, usable: frozenset[str], id: ColumnElement[int], *, only_extent: bool = False
    ) -> list[Condition]:
        wanted, row = self._wanted, recordings.c
        install = _column("install", usable)
        found: list[Condition] = [install.in_(self._installs) if self._installs else false()]
        if len(self._installs) == 1:
            found = [install == self._installs[0]]
        if wanted.since is not None:
            found.append(id >= first_id(wanted.since + _ALMOST_A_SECOND))
        if wanted.until is not None:
            found.append(id < first_id(wanted.until + _ALMOST_A_SECOND))
        if only_extent:
            return found
        for name in ("call_sid", "source", "code", "direction"):
            if (value := getattr(wanted, name)) is not None:
                found.append(row[name] == value)
        if wanted.state is not None:
            found.append(_column("state", usable) == wanted.state)
        found += (
            row[name].is_(None) for name in ("agent", "queue") if getattr(wanted, name) == NONE
        )
        found += (_within(_column(one.figure, usable), one) for one in wanted.ranges)
        return found

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

    def _of_text(self, text: str, asked: list[AnyOf]) -> Iterator[Part]:
        """Part of a SID, a number, an agent, a queue, an outcome, or all of some words."""
        parts = [part for part in re.split(r"…|\.\.\.", text) if part]
        if parts and all(_SID_PART.fullmatch(part) for part in parts):
            having = [_has_any(each, recordings.c.id) for each in asked]
            having.append(recordings.c.id.in_(_ids_with_sid(self._connection, parts)))
            yield self._part(recordings, _column("id", ()), frozenset(), having)
        for reading in self._readings(text):
            if all(known := self._known(reading)):
                yield from self._of([*asked, *known])

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
        having = [select(tokens.c.id).where(tokens.c.token == token) for token in every]
        self._counts |= zip(every, self._count(having, COMMON), strict=True)
        return [[token for token in each if self._counts[token]] for each in asked]

    def _count(self, found: Sequence[Select[Any]], most: int) -> list[int]:
        """Number of rows that each statement finds, up to `most`."""
        counts: list[int] = []
        for start in range(0, len(found), PROBES):
            some = (one.limit(most).subquery() for one in found[start : start + PROBES])
            counted = (select(func.count()).select_from(one).scalar_subquery() for one in some)
            counts += self._connection.execute(select(*counted)).one()
        return counts

    def _count_of(self, tokens: AnyOf) -> int:
        return sum(self._counts[one] for one in tokens)

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


def _column(name: str, usable: Collection[str]) -> ColumnElement[Any]:
    """A column, or an expression of the same value that no index has."""
    column = recordings.c[name]
    if name in usable:
        return column
    return column.concat("") if isinstance(column.type, String) else column + 0


def _ids_with(asked: list[AnyOf]) -> Select[tuple[int]]:
    """The ids of recordings that have one of each."""
    first = tokens.alias()
    found = select(first.c.id).where(first.c.token.in_(asked[0]))
    return found.where(*(_has_any(each, first.c.id) for each in asked[1:]))


def _has_any(found: AnyOf, id: ColumnElement[int]) -> Condition:
    other = tokens.alias()
    having = exists().where(other.c.id == id, other.c.token.in_(found))
    return having.correlate_except(other)


def _ids_with_sid(connection: Connection, parts: Sequence[str]) -> Select[tuple[int]]:
    """The ids of recordings with these parts in their SIDs; the first is looked for by a function
    that takes half the time of LIKE."""
    sids = recordings.alias().c.sids
    place = func.strpos if connection.dialect.name == "postgresql" else func.instr
    found = select(sids.table.c.id).where(place(sids, parts[0].lower()) > 0)
    if len(parts) > 1:
        escaped = [re.sub(r"([%_\\])", r"\\\1", part.lower()) for part in parts]
        found = found.where(sids.like(f"%{'%'.join(escaped)}%", escape="\\"))
    return found


def _within(column: ColumnElement[float], wanted: Range) -> Condition:
    bounds = [column > wanted.over] if wanted.over is not None else []
    if wanted.under is not None:
        bounds.append(column < wanted.under)
    return and_(*bounds)
