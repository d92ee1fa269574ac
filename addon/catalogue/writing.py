"""Writing and removing rows: a recording is replaced as a whole, with its tokens."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, delete, func, insert, literal, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY

from addon.catalogue.row import Row
from addon.catalogue.tables import facts, recordings, token_lists, tokens

AT_ONCE = 300
"""Recordings in one statement: SQLite takes 32,766 parameters, Postgres 65,535."""

Key = tuple[str, str]

_KNOWN = select(
    *(recordings.c[name] for name in ("id", "install", "recording_id", "generation", "state"))
).where(
    or_(
        recordings.c.id.in_(bindparam("ids", expanding=True)),
        recordings.c.recording_id.in_(bindparam("names", expanding=True)),
    )
)
"""Made once: to put a statement together costs more than to run it."""


def write(connection: Connection, rows: Sequence[Row]) -> None:
    """Write rows; one that is there in a newer generation, or with more known, stays."""
    by_key: dict[Key, Row] = {_key(row.values): row for row in rows}
    known = _known(connection, by_key.values())
    wanted = {
        key: row for key, row in by_key.items() if key not in known or _is_newer(row, known[key])
    }
    _remove(connection, [known.pop(key)["id"] for key in wanted if key in known])
    taken = {each["id"] for each in known.values()}
    placed = [_placed(row, taken) for row in wanted.values()]
    if placed:
        _insert(connection, placed)


def remove(connection: Connection, install: str, recording_ids: Collection[str]) -> None:
    """Remove rows of an install."""
    for chunk in _chunks(list(recording_ids)):
        found = select(recordings.c.id).where(
            recordings.c.install == install, recordings.c.recording_id.in_(chunk)
        )
        _remove(connection, list(connection.scalars(found)))


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
    """Remove everything."""
    for table in (tokens, token_lists, recordings, facts):
        connection.execute(delete(table))


def _key(values: Any) -> Key:
    return values["install"], values["recording_id"]


def _known(connection: Connection, rows: Collection[Row]) -> dict[Key, Any]:
    """The rows that are there of these recordings, and of others that have their ids."""
    found: dict[Key, Any] = {}
    for chunk in _chunks(list(rows)):
        ids = [one.values["id"] for one in chunk]
        names = [one.values["recording_id"] for one in chunk]
        for one in connection.execute(_KNOWN, {"ids": ids, "names": names}).mappings():
            found[_key(one)] = one
    return found


def _is_newer(row: Row, known: Any) -> bool:
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


def _insert(connection: Connection, rows: Sequence[Row]) -> None:
    connection.execute(insert(recordings), [row.values for row in rows])
    packed = [
        {"id": row.values["id"], "tokens": array("q", row.tokens).tobytes()}
        for row in rows
        if row.tokens
    ]
    if not packed:
        return
    connection.execute(insert(token_lists), packed)
    if connection.dialect.name == "postgresql":
        for row in rows:
            each = func.unnest(literal(list(row.tokens), ARRAY(BigInteger)))
            chosen = select(each, literal(row.values["id"], BigInteger))
            connection.execute(insert(tokens).from_select(["token", "id"], chosen))
        return
    pairs = [{"token": token, "id": row.values["id"]} for row in rows for token in row.tokens]
    connection.execute(insert(tokens), pairs)


def _remove(connection: Connection, ids: Sequence[int]) -> None:
    for chunk in _chunks(ids):
        listed = select(token_lists).where(token_lists.c.id.in_(chunk))
        for id, packed in connection.execute(listed).all():
            own = array("q", packed)
            for some in _chunks(own):
                connection.execute(
                    delete(tokens).where(tokens.c.token.in_(list(some)), tokens.c.id == id)
                )
        connection.execute(delete(token_lists).where(token_lists.c.id.in_(chunk)))
        connection.execute(delete(recordings).where(recordings.c.id.in_(chunk)))


def _chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))
