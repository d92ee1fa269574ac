"""Pages of recordings by keyset: the cursor says where a page ended, not how many came before.

Rows that come or go between two pages never make one appear twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, or_, select, union
from sqlalchemy.engine import RowMapping

from addon.catalogue.filters import Sort
from addon.catalogue.recording import Recording, recording_of
from addon.catalogue.selection import Selection
from addon.catalogue.tables import recordings
from addon.errors import InvalidParameter


@dataclass(frozen=True)
class Page:
    """Recordings in order; `cursor` continues behind them, None at the end."""

    recordings: Sequence[Recording]
    cursor: str | None


@dataclass(frozen=True)
class Position:
    """A place in an order: the figure, None behind all that have one, and the recording's id."""

    value: float | None
    id: int

    @classmethod
    def parse(cls, text: str, sort: Sort) -> Position:
        """The reverse of `text`. Raises InvalidParameter, also for another order's cursor."""
        try:
            order, value, id = text.split("/")
            figure = float(value) if value else None
            if order == str(sort) and (figure is None or math.isfinite(figure)):
                return cls(figure, int(id))
        except ValueError:
            pass
        raise InvalidParameter("cursor: not one that was given for this order")

    def text(self, sort: Sort) -> str:
        """The cursor."""
        return f"{sort}/{'' if self.value is None else repr(self.value)}/{self.id}"


def page_of(
    connection: Connection,
    selected: Callable[[str], Selection],
    sort: Sort,
    cursor: str | None,
    limit: int,
) -> Page:
    """A page. Recordings that have not the figure come behind the others, latest first.

    `selected` gives what is selected, for an order.
    """
    at = Position.parse(cursor, sort) if cursor else None
    rows: list[RowMapping] = []
    if sort.by == "time":
        rows += _rows(connection, _by_id(selected("time"), at, sort.descending, limit + 1))
    else:
        if at is None or at.value is not None:
            rows += _rows(connection, _by_figure(selected(sort.by), at, sort.descending, limit + 1))
            at = None
        if len(rows) <= limit:
            unknown = recordings.c[sort.by].is_(None)
            remaining = limit + 1 - len(rows)
            rows += _rows(connection, _by_id(selected("time"), at, True, remaining, unknown))
    next_cursor = None
    if len(rows) > limit:
        last = rows[limit - 1]
        value = None if sort.by == "time" else last[sort.by]
        next_cursor = Position(value, last["id"]).text(sort)
    return Page([recording_of(row) for row in rows[:limit]], next_cursor)


def _rows(connection: Connection, ordered: Select[Any] | None) -> list[RowMapping]:
    """The rows: their ids first, because a sort of whole rows would carry them all along."""
    ids = [] if ordered is None else list(connection.scalars(ordered))
    if not ids:
        return []
    found = connection.execute(select(recordings).where(recordings.c.id.in_(ids))).mappings()
    by_id = {row["id"]: row for row in found}
    return [by_id[id] for id in ids if id in by_id]


def _by_id(
    selection: Selection,
    at: Position | None,
    descending: bool,
    limit: int,
    *conditions: ColumnElement[bool],
) -> Select[Any] | None:
    found = []
    for part in selection.parts:
        statement = part.select(part.id.label("id")).where(*conditions)
        if at is not None:
            statement = statement.where(part.id < at.id if descending else part.id > at.id)
        found.append(_first(statement, [part.id], descending, limit))
    return _together(found, ["id"], descending, limit)


def _by_figure(
    selection: Selection, at: Position | None, descending: bool, limit: int
) -> Select[Any] | None:
    found = []
    for part in selection.parts:
        statement = part.select(part.id.label("id"), part.figure.label("figure"))
        if at is not None:
            statement = statement.where(*_behind(part.figure, part.id, at, descending))
        found.append(_first(statement, [part.figure, part.id], descending, limit))
    return _together(found, ["figure", "id"], descending, limit)


def _first(
    statement: Select[Any], order: Sequence[ColumnElement[Any]], descending: bool, limit: int
) -> Select[Any]:
    ordered = (column.desc() if descending else column.asc() for column in order)
    return statement.order_by(*ordered).limit(limit)


def _together(
    found: Sequence[Select[Any]], order: Sequence[str], descending: bool, limit: int
) -> Select[Any] | None:
    """The first ids of several statements that each give their first: none is read to its end."""
    if len(found) <= 1:
        return found[0] if found else None
    every = union(*(select(one.subquery()) for one in found)).subquery()
    return _first(select(every.c.id), [every.c[name] for name in order], descending, limit)


def _behind(
    column: ColumnElement[float], by_id: ColumnElement[int], at: Position, descending: bool
) -> tuple[ColumnElement[bool], ...]:
    """Conditions of what follows; the first of them is what an index can begin at."""
    if descending:
        return column <= at.value, or_(column < at.value, by_id < at.id)
    return column >= at.value, or_(column > at.value, by_id > at.id)
