"""Sums over many recordings, whole or by day, agent, queue or install.

A figure that is not known counts in no sum, so each mean is over the recordings that have it. Of a
stretch of time without other conditions, the slots that lie in it are summed up beforehand (`sums`
in `tables.py`); the recordings at its ends, and those of every other filter, are read one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    case,
    func,
    literal,
    select,
)
from sqlalchemy.engine import RowMapping

from addon.catalogue.filters import Filter
from addon.catalogue.recording import group_key
from addon.catalogue.row import EPOCH_S, KEYED_BITS, first_id
from addon.catalogue.selection import Part
from addon.catalogue.tables import (
    AGENTS,
    AMOUNTS,
    COUNTS,
    HALF_HOURS,
    NOBODY,
    QUEUES,
    SLOT_S,
    SUMMED,
    recordings,
    sums,
    tokens,
)

By = Literal["day", "agent", "queue", "install"]

IN_TIME = 3.0
"""Times the audio's length that a result should take at most (spec/protocol 1.8)."""
TOO_LATE = 10.0

DAY_S = 86_400

Offset = tuple[int, int]
"""A second since 1970, and a zone's distance from UTC up to it."""

EVERY_ID = 2**63 - 1
MOST_EXAMPLES = 50
"""The largest groups have one; pages show fewer."""


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

    `example` is the install and id of one of its recordings, whose stored analysis has the name.
    Only the largest groups with a name have one.
    """

    key: date | str | None
    totals: Totals
    example: tuple[str, str] | None = None


def totals(
    connection: Connection,
    wanted: Filter,
    installs: Collection[str],
    selected: Callable[[Filter], Part],
    by: By | None,
    zone: tzinfo,
) -> list[Group]:
    """The groups: by day in the order of days, else the largest first.

    `installs` are those to be counted, and `selected` gives the recordings of a filter.
    """
    offsets = _offsets(*_stretch(connection, wanted), zone) if by == "day" else []
    kind = {"day": HALF_HOURS, "agent": AGENTS}.get(str(by), QUEUES)
    found: dict[Any, Counter[str]] = {}
    remaining = [wanted]
    if is_stretch(wanted) and not any(each % SLOT_S[kind] for one in offsets for each in one):
        first, end = _slots(wanted, kind)
        if first is None or end is None or first < end:
            remaining = list(_edges(wanted, first, end, kind))
            summed = _of_slots(installs, kind, first, end, by, offsets)
            _add(found, connection.execute(summed).mappings())
    for one in remaining:
        _add(found, connection.execute(_of_rows(selected(one), by, offsets)).mappings())
    if by is None:
        return [Group(None, _totals(found.get(None, Counter())))]
    keys = [key for key, each in found.items() if each["recordings"]]
    if by == "day":
        return [Group(date_of(key), _totals(found[key])) for key in sorted(keys)]
    keys.sort(key=lambda key: (-found[key]["recordings"], str(key)))
    if by == "install":
        return [Group(key, _totals(found[key])) for key in keys]
    examples = _examples(connection, wanted, [key for key in keys[:MOST_EXAMPLES] if key != NOBODY])
    names = {key: None if key == NOBODY else group_key(key) for key in keys}
    return [Group(names[key], _totals(found[key]), examples.get(key)) for key in keys]


def date_of(number: int) -> date:
    """The day that is so many days after the first of 1970."""
    return date(1970, 1, 1) + timedelta(days=number)


def is_stretch(wanted: Filter) -> bool:
    """True for a filter that asks for a time and an install at most."""
    return wanted.replace(install=None, since=None, until=None).is_empty


def _slots(wanted: Filter, kind: int) -> tuple[int | None, int | None]:
    """The first whole slot of a stretch of time, and the first one behind; None for an open end."""
    since, until = (
        None if at is None else -(-at.timestamp() // 1) - EPOCH_S
        for at in (wanted.since, wanted.until)
    )
    first = None if since is None else int(-(-since // SLOT_S[kind]))
    return first, None if until is None else int(until // SLOT_S[kind])


def _edges(wanted: Filter, first: int | None, end: int | None, kind: int) -> Iterator[Filter]:
    """Filters of the time before the first and behind the last slot of a stretch."""
    before, behind = (
        None if slot is None else datetime.fromtimestamp(slot * SLOT_S[kind] + EPOCH_S, UTC)
        for slot in (first, end)
    )
    if wanted.since is not None and before is not None and wanted.since < before:
        yield wanted.replace(until=before)
    if wanted.until is not None and behind is not None and behind < wanted.until:
        yield wanted.replace(since=behind)


def _of_slots(
    installs: Collection[str],
    kind: int,
    first: int | None,
    end: int | None,
    by: By | None,
    offsets: list[Offset],
) -> Select[Any]:
    row = sums.c
    key: ColumnElement[Any] = literal(None)
    if by == "day":
        key = _day(row.slot * SLOT_S[kind] + EPOCH_S, offsets)
    elif by is not None:
        key = row.install if by == "install" else row.name
    found = select(
        key.label("key"),
        *(func.sum(row[name]).label(name) for name in (*COUNTS, *AMOUNTS)),
    ).where(row.kind == kind, row.install.in_(installs))
    if first is not None:
        found = found.where(row.slot >= first)
    if end is not None:
        found = found.where(row.slot < end)
    return found.group_by("key") if by else found


def _of_rows(part: Part, by: By | None, offsets: list[Offset]) -> Select[Any]:
    row = recordings.c
    seconds, ratio = row.duration_seconds, row.elapsed_per_duration
    key: ColumnElement[Any] = literal(None)
    if by == "day":
        key = _day(row.id // (1 << KEYED_BITS) + EPOCH_S, offsets)
    elif by is not None:
        key = row.install if by == "install" else func.coalesce(row[by], NOBODY)
    found = part.select(
        key.label("key"),
        func.count().label("recordings"),
        func.count(case((row.state == "analysed", 1))).label("analysed"),
        func.count(case((row.state == "failed", 1))).label("failed"),
        *(func.count(row[name]).label(f"known_{name}") for name in SUMMED),
        func.count(ratio).label("timed"),
        func.count(case((ratio <= IN_TIME, 1))).label("in_time"),
        func.count(case((ratio > TOO_LATE, 1))).label("too_late"),
        *((1000 * func.sum(row[name])).label(f"sum_{name}") for name in SUMMED),
        (1000 * func.sum(case((row.silence_seconds.is_not(None), seconds)))).label(
            "analysed_seconds"
        ),
        (1000 * func.sum(case((row.crosstalk_seconds.is_not(None), seconds)))).label(
            "two_party_seconds"
        ),
    )
    return found.group_by("key") if by else found


def _add(found: dict[Any, Counter[str]], rows: Iterable[RowMapping]) -> None:
    """Add sums to those of the same key."""
    for row in rows:
        values = found.setdefault(row["key"], Counter())
        for name in (*COUNTS, *AMOUNTS):
            values[name] += round(row[name] or 0)


def _totals(values: Counter[str]) -> Totals:
    known = {name: values[f"known_{name}"] for name in SUMMED}

    def seconds(name: str, number: int) -> float | None:
        return values[name] / 1000 if number else None

    return Totals(
        **{name: values[name] for name in ("recordings", "analysed", "failed")},
        unknown=values["recordings"] - values["analysed"] - values["failed"],
        sums={name: seconds(f"sum_{name}", known[name]) for name in SUMMED},
        known=known,
        analysed_seconds=seconds("analysed_seconds", known["silence_seconds"]),
        two_party_seconds=seconds("two_party_seconds", known["crosstalk_seconds"]),
        **{name: values[name] for name in ("timed", "in_time", "too_late")},
    )


def _examples(
    connection: Connection, wanted: Filter, names: Sequence[int]
) -> dict[int, tuple[str, str]]:
    """The newest recording of each name, which is also the token that it is found by."""
    if not names:
        return {}
    until = first_id(wanted.until) if wanted.until else EVERY_ID
    newest = [
        select(func.max(tokens.c.id)).where(tokens.c.token == name, tokens.c.id < until)
        for name in names
    ]
    ids = connection.execute(select(*(one.scalar_subquery() for one in newest))).one()
    columns = recordings.c.id, recordings.c.install, recordings.c.recording_id
    found = connection.execute(select(*columns).where(recordings.c.id.in_(ids)))
    by_id = {id: (install, recording_id) for id, install, recording_id in found}
    return {name: by_id[id] for name, id in zip(names, ids, strict=True) if id in by_id}


def _stretch(connection: Connection, wanted: Filter) -> tuple[datetime, datetime]:
    """The time that the recordings lie in, at the most."""
    if wanted.since is not None and wanted.until is not None:
        return wanted.since, wanted.until
    ends = select(func.min(recordings.c.id), func.max(recordings.c.id))
    first, last = (_moment(id or 0) for id in connection.execute(ends).one())
    return wanted.since or first, wanted.until or last


def _moment(id: int) -> datetime:
    return datetime.fromtimestamp((id >> KEYED_BITS) + EPOCH_S, UTC)


def _offsets(first: datetime, last: datetime, zone: tzinfo) -> list[Offset]:
    """The zone's distances from UTC in a stretch of time: each with the second where it ends."""
    at, offset = first, _offset_at(first, zone)
    found: list[Offset] = []
    while at < last:
        following = at + timedelta(days=1)
        if _offset_at(following, zone) != offset:
            found.append((int(_change(at, following, zone).timestamp()), offset))
            offset = _offset_at(following, zone)
        at = following
    return [*found, (0, offset)]


def _day(seconds: ColumnElement[int], offsets: list[Offset]) -> ColumnElement[int]:
    """The day of a second, counted from 1970, where the zone is so far from UTC."""
    *changes, (_, offset) = offsets or [(0, 0)]
    before = [(seconds < end, distance) for end, distance in changes]
    return (seconds + (case(*before, else_=offset) if before else literal(offset))) // DAY_S


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
