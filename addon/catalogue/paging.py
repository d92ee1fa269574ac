"""Pages of recordings by keyset: the cursor says where a page ended, not how many came before.

Rows that come or go between two pages never make one appear twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select
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
    connection: Connection, selection: Selection, sort: Sort, cursor: str | None, limit: int
) -> Page:
    """A page. Recordings that have not the figure come behind the others, latest first."""
    at = Position.parse(cursor, sort) if cursor else None
    rows: list[RowMapping] = []
    if sort.by == "time":
        rows += _rows(connection, _by_id(selection, at, descending=sort.descending), limit + 1)
    else:
        if at is None or at.value is not None:
            rows += _rows(connection, _by_figure(selection, sort, at), limit + 1)
            at = None
        if len(rows) <= limit:
            without = _by_id(selection, at, descending=True)
            unknown = without.where(recordings.c[sort.by].is_(None))
            rows += _rows(connection, unknown, limit + 1 - len(rows))
    next_cursor = None
    if len(rows) > limit:
        last = rows[limit - 1]
        value = None if sort.by == "time" else last[sort.by]
        next_cursor = Position(value, last["id"]).text(sort)
    return Page([recording_of(row) for row in rows[:limit]], next_cursor)


def _rows(connection: Connection, ordered: Select[Any], limit: int) -> list[RowMapping]:
    """The first rows: their ids first, because a sort of whole rows would carry them all along."""
    ids = list(connection.scalars(ordered.limit(limit)))
    if not ids:
        return []
    found = connection.execute(select(recordings).where(recordings.c.id.in_(ids))).mappings()
    by_id = {row["id"]: row for row in found}
    return [by_id[id] for id in ids if id in by_id]


def _by_id(selection: Selection, at: Position | None, *, descending: bool) -> Select[Any]:
    column = selection.id
    statement = select(column).select_from(selection.source).where(*selection.where)
    if at is not None:
        statement = statement.where(column < at.id if descending else column > at.id)
    return statement.order_by(column.desc() if descending else column.asc())


def _by_figure(selection: Selection, sort: Sort, at: Position | None) -> Select[Any]:
    column, by_id = recordings.c[sort.by], recordings.c.id
    statement = select(by_id).select_from(selection.source).where(*selection.where)
    statement = statement.where(column.is_not(None))
    if at is not None:
        statement = statement.where(_behind(column, by_id, at, descending=sort.descending))
    ordered = (column.desc(), by_id.desc()) if sort.descending else (column.asc(), by_id.asc())
    return statement.order_by(*ordered)


def _behind(
    column: ColumnElement[float], by_id: ColumnElement[int], at: Position, *, descending: bool
) -> ColumnElement[bool]:
    if descending:
        return or_(column < at.value, and_(column == at.value, by_id < at.id))
    return or_(column > at.value, and_(column == at.value, by_id > at.id))
