"""Sums over many recordings, whole or by day, agent, queue or install.

A figure that is not known counts in no sum, so each mean is over the recordings that have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, case, func, literal, select
from sqlalchemy.engine import RowMapping

from addon.catalogue.filters import Filter
from addon.catalogue.recording import group_key
from addon.catalogue.row import EPOCH_S, KEYED_BITS
from addon.catalogue.selection import Selection
from addon.catalogue.tables import recordings

By = Literal["day", "agent", "queue", "install"]

SUMMED = (
    "duration_seconds",
    "agent_talk_seconds",
    "customer_talk_seconds",
    "crosstalk_seconds",
    "silence_seconds",
    "hold_seconds",
    "interruptions",
)
KNOWN_WITH = dict.fromkeys(SUMMED, "crosstalk_seconds") | {
    "duration_seconds": "duration_seconds",
    "silence_seconds": "silence_seconds",
    "hold_seconds": "silence_seconds",
}
"""The figure that is known wherever another is: a party's need two, silence needs an analysis."""

COUNTED = tuple(dict.fromkeys(KNOWN_WITH.values()))

IN_TIME = 3.0
"""Times the audio's length that a result should take at most (spec/protocol 1.8)."""
TOO_LATE = 10.0

DAY_S = 86_400


@dataclass(frozen=True)
class Totals:
    """Sums: `recordings` there are, of which `analysed`, `failed` and `unknown`.

    `sums` has each of SUMMED, None where no recording has the figure, and `known` how many have it.
    `analysed_seconds` is the length of those whose silence is known, `two_party_seconds` of those
    whose crosstalk is: what the sums are shares of. Of `timed` recordings `in_time` were answered
    within IN_TIME, `too_late` after TOO_LATE times their length.
    """

    recordings: int
    analysed: int
    failed: int
    unknown: int
    sums: Mapping[str, float | None]
    known: Mapping[str, int]
    analysed_seconds: float | None
    two_party_seconds: float | None
    timed: int
    in_time: int
    too_late: int


@dataclass(frozen=True)
class Group:
    """The totals of one key: a date, a group key of an agent or a queue, an install, or None.

    `example` is the install and id of one of its recordings: its stored analysis has the name.
    """

    key: date | str | None
    totals: Totals
    example: tuple[str, str] | None = None


def totals(
    connection: Connection, selection: Selection, by: By | None, zone: tzinfo, wanted: Filter
) -> list[Group]:
    """The groups: by day in the order of days, else the largest first."""
    keys = [] if by is None else [_key(connection, by, zone, wanted).label("key")]
    newest = func.max(recordings.c.id).label("newest")
    statement = select(*keys, newest, *_sums()).select_from(selection.source)
    statement = statement.where(*selection.where).group_by(*keys)
    rows = list(connection.execute(statement).mappings())
    examples = _examples(connection, rows) if by in ("agent", "queue") else {}
    groups = [Group(_value(by, row), _totals(row), examples.get(row["newest"])) for row in rows]
    if by == "day":
        return sorted(groups, key=lambda group: str(group.key))
    return sorted(groups, key=lambda group: (-group.totals.recordings, str(group.key)))


def date_of(number: int) -> date:
    """The day that is so many days after the first of 1970."""
    return date(1970, 1, 1) + timedelta(days=number)


def _sums() -> list[ColumnElement[Any]]:
    row = recordings.c
    seconds = row.duration_seconds
    ratio = row.elapsed_per_duration
    return [
        func.count().label("recordings"),
        func.count(case((row.state == "analysed", 1))).label("analysed"),
        func.count(case((row.state == "failed", 1))).label("failed"),
        *(func.sum(row[name]).label(f"sum_{name}") for name in SUMMED),
        *(func.count(row[name]).label(f"known_{name}") for name in COUNTED),
        func.sum(case((row.silence_seconds.is_not(None), seconds))).label("analysed_seconds"),
        func.sum(case((row.crosstalk_seconds.is_not(None), seconds))).label("two_party_seconds"),
        func.count(ratio).label("timed"),
        func.count(case((ratio <= IN_TIME, 1))).label("in_time"),
        func.count(case((ratio > TOO_LATE, 1))).label("too_late"),
    ]


def _totals(row: RowMapping) -> Totals:
    counted = {name: row[name] for name in ("recordings", "analysed", "failed")}
    return Totals(
        **counted,
        unknown=row["recordings"] - row["analysed"] - row["failed"],
        sums={name: row[f"sum_{name}"] for name in SUMMED},
        known={name: row[f"known_{counted}"] for name, counted in KNOWN_WITH.items()},
        analysed_seconds=row["analysed_seconds"],
        two_party_seconds=row["two_party_seconds"],
        timed=row["timed"],
        in_time=row["in_time"],
        too_late=row["too_late"],
    )


def _examples(connection: Connection, rows: list[RowMapping]) -> dict[int, tuple[str, str]]:
    ids = [row["newest"] for row in rows]
    columns = recordings.c.id, recordings.c.install, recordings.c.recording_id
    found = connection.execute(select(*columns).where(recordings.c.id.in_(ids))).all()
    return {id: (install, recording_id) for id, install, recording_id in found}


def _value(by: By | None, row: RowMapping) -> date | str | None:
    if by is None:
        return None
    if by == "day":
        return date_of(row["key"])
    return row["key"] if by == "install" else group_key(row["key"])


def _key(connection: Connection, by: By, zone: tzinfo, wanted: Filter) -> ColumnElement[Any]:
    if by != "day":
        return recordings.c[by]
    seconds = recordings.c.id // (1 << KEYED_BITS) + EPOCH_S
    first, last = _stretch(connection, wanted)
    return (seconds + _offset(seconds, first, last, zone)) // DAY_S


def _stretch(connection: Connection, wanted: Filter) -> tuple[datetime, datetime]:
    """The time that the recordings lie in, at the most."""
    if wanted.since is not None and wanted.until is not None:
        return wanted.since, wanted.until
    ends = select(func.min(recordings.c.id), func.max(recordings.c.id))
    first, last = (_moment(id or 0) for id in connection.execute(ends).one())
    return wanted.since or first, wanted.until or last


def _moment(id: int) -> datetime:
    return datetime.fromtimestamp((id >> KEYED_BITS) + EPOCH_S, UTC)


def _offset(
    seconds: ColumnElement[int], first: datetime, last: datetime, zone: tzinfo
) -> ColumnElement[int]:
    """The zone's distance from UTC in seconds, which changes within a stretch of time."""
    at, offset = first, _offset_at(first, zone)
    changes: list[tuple[ColumnElement[bool], int]] = []
    while at < last:
        following = at + timedelta(days=1)
        if _offset_at(following, zone) != offset:
            change = _change(at, following, zone)
            changes.append((seconds < int(change.timestamp()), offset))
            offset = _offset_at(following, zone)
        at = following
    return case(*changes, else_=offset) if changes else literal(offset)


def _offset_at(moment: datetime, zone: tzinfo) -> int:
    distance = moment.astimezone(zone).utcoffset()
    return int(distance.total_seconds()) if distance else 0


def _change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The first second with the later one's distance from UTC."""
    old = _offset_at(before, zone)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        before, after = (middle, after) if _offset_at(middle, zone) == old else (before, middle)
    return after.replace(microsecond=0)
