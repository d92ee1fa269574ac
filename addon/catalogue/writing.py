"""Writing and removing rows: a recording is replaced as a whole, with its tokens.

Statements go to the driver itself, because a worker spends this on every recording.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from addon.catalogue.database import Cursor
from addon.catalogue.row import Row
from addon.catalogue.tables import facts, recordings, token_lists, tokens

AT_ONCE = 300
"""Recordings in one statement: SQLite takes 32,766 parameters, Postgres 65,535."""

Key = tuple[str, str]

_COLUMNS = recordings.columns.keys()
_MARKS = {"sqlite": "?", "postgresql": "%s"}


def write(cursor: Cursor, rows: Sequence[Row]) -> None:
    """Write rows; one that is there in a newer generation, or with more known, stays."""
    by_key: dict[Key, Row] = {_key(row.values): row for row in rows}
    known = _known(cursor, list(by_key.values()))
    wanted = {
        key: row for key, row in by_key.items() if key not in known or _is_newer(row, known[key])
    }
    _remove(cursor, [known.pop(key)["id"] for key in wanted if key in known])
    taken = {each["id"] for each in known.values()}
    placed = [_placed(row, taken) for row in wanted.values()]
    if placed:
        _insert(cursor, placed)


def remove(cursor: Cursor, install: str, recording_ids: Collection[str]) -> None:
    """Remove rows of an install."""
    for chunk in _chunks(list(recording_ids)):
        found = _execute(
            cursor,
            f"SELECT id FROM recordings WHERE install = ? AND recording_id IN ({_each(chunk)})",
            [install, *chunk],
        )
        _remove(cursor, [id for (id,) in found.fetchall()])


def fact(connection: Connection, name: str) -> str | None:
    """A fact of the catalogue itself."""
    return connection.scalar(select(facts.c.value).where(facts.c.name == name))


def put_fact(connection: Connection, name: str, value: str | None) -> None:
    """Set a fact, whoever sets it at the same time; None takes it away."""
    if value is None:
        connection.execute(delete(facts).where(facts.c.name == name))
        return
    new = _insert_of(connection)(facts).values(name=name, value=value)
    connection.execute(
        new.on_conflict_do_update(index_elements=["name"], set_={"value": new.excluded.value})
    )


def first_fact(connection: Connection, name: str, value: str) -> str:
    """Set a fact that nobody has set, and give what it is now: of two at once the first counts."""
    new = _insert_of(connection)(facts).values(name=name, value=value)
    connection.execute(new.on_conflict_do_nothing(index_elements=["name"]))
    return fact(connection, name) or value


def _insert_of(connection: Connection) -> Any:
    """The insert that knows conflicts, in the words of this database."""
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


def empty(connection: Connection) -> None:
    """Remove everything; the sums go with their recordings."""
    for table in (tokens, token_lists, recordings, facts):
        connection.execute(delete(table))


def _key(values: Mapping[str, Any]) -> Key:
    return values["install"], values["recording_id"]


def _known(cursor: Cursor, rows: Sequence[Row]) -> dict[Key, Mapping[str, Any]]:
    """The rows that are there of these recordings, and of others that have their ids."""
    names = ("id", "install", "recording_id", "generation", "state")
    found: dict[Key, Mapping[str, Any]] = {}
    for chunk in _chunks(rows):
        marks = _each(chunk)
        statement = (
            f"SELECT {', '.join(names)} FROM recordings "
            f"WHERE id IN ({marks}) OR recording_id IN ({marks})"
        )
        ids = [one.values["id"] for one in chunk]
        given = [*ids, *(one.values["recording_id"] for one in chunk)]
        for row in _execute(cursor, statement, given).fetchall():
            values = dict(zip(names, row, strict=True))
            found[_key(values)] = values
    return found


def _is_newer(row: Row, known: Mapping[str, Any]) -> bool:
    if row.values["generation"] != known["generation"]:
        return bool(row.values["generation"] > known["generation"])
    return bool(row.values["state"] != "unknown" or known["state"] == "unknown")


def _placed(row: Row, taken: set[int]) -> Row:
    """The row under an id that is free: one in two thousand million is not, in any second."""
    id = row.values["id"]
    while id in taken:
        id += 1
    taken.add(id)
    return Row({**row.values, "id": id}, row.tokens)


def _insert(cursor: Cursor, rows: Sequence[Row]) -> None:
    statement = f"INSERT INTO recordings ({', '.join(_COLUMNS)}) VALUES ({_each(_COLUMNS)})"
    _execute_each(cursor, statement, [[row.values[name] for name in _COLUMNS] for row in rows])
    packed = [(row.values["id"], array("q", row.tokens).tobytes()) for row in rows if row.tokens]
    _execute_each(cursor, "INSERT INTO token_lists (id, tokens) VALUES (?, ?)", packed)
    pairs = [(token, row.values["id"]) for row in rows for token in row.tokens]
    pairs.sort()  # neighbours lie on one page of the index
    if cursor.dialect == "sqlite":
        _execute_each(cursor, "INSERT INTO tokens (token, id) VALUES (?, ?)", pairs)
    elif pairs:
        _execute(
            cursor,
            "INSERT INTO tokens (token, id) SELECT * FROM unnest(?::bigint[], ?::bigint[])",
            [list(column) for column in zip(*pairs, strict=True)],
        )


def _remove(cursor: Cursor, ids: Sequence[int]) -> None:
    for chunk in _chunks(ids):
        marks = _each(chunk)
        listed = _execute(
            cursor, f"SELECT id, tokens FROM token_lists WHERE id IN ({marks})", chunk
        )
        pairs = [(token, id) for id, packed in listed.fetchall() for token in array("q", packed)]
        _execute_each(cursor, "DELETE FROM tokens WHERE token = ? AND id = ?", pairs)
        for table in ("token_lists", "recordings"):
            _execute(cursor, f"DELETE FROM {table} WHERE id IN ({marks})", chunk)


def _execute(cursor: Cursor, statement: str, values: Sequence[Any]) -> Any:
    """Run a statement, whose marks are those of SQLite; gives what to fetch from."""
    cursor.driver.execute(statement.replace("?", _MARKS[cursor.dialect]), values)
    return cursor.driver


def _execute_each(cursor: Cursor, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        cursor.driver.executemany(statement.replace("?", _MARKS[cursor.dialect]), rows)


def _each(items: Collection[Any]) -> str:
    """A mark for each."""
    return ", ".join("?" * len(items))


def _chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))
