"""The numbers of the overview: totals with those of the period before, groups, and the worst.

A share is over the recordings whose figure is known; where none has it, it is unknown, not zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

from addon.archive.names import Entry, ids_prefix
from addon.catalogue.filters import NONE, Filter, Range, Sort
from addon.catalogue.grouping import IN_TIME, By, Group, Totals
from addon.catalogue.recording import Recording
from addon.catalogue.tables import SUMMED
from addon.web.context import context
from addon.web.formats import percent, short, short_day
from addon.web.list_measures import MEASURES, Measure
from addon.web.list_view import ONE_DAY, ListView
from addon.web.recording_rows import RecordingRow
from addon.web.viewer_zone import name_of

WORST = 10
MAX_GROUPS = 15
"""Rows of agents, queues and installs: the largest. A name costs the opening of a recording."""

MAX_DAYS = 92
"""Columns of a chart; a longer period is shown by the sums and groups alone."""


UNKNOWN, NONE_THERE = "unknown", "none"
"""In place of a number: of recordings that do not tell it, and where there are no recordings."""


@dataclass(frozen=True)
class Column:
    """A number of each group: `value` makes it of totals, None where it is not known; `figure` is
    what the list behind it is sorted by."""

    title: str
    figure: str
    is_share: bool
    value: Callable[[Totals], float | None]

    @property
    def sort(self) -> Sort:
        """The order of the list behind the number."""
        return Sort(self.figure)

    def text(self, totals: Totals) -> str:
        """The number as a cell shows it."""
        value = self.value(totals)
        if value is None:
            return UNKNOWN if totals.recordings else NONE_THERE
        return percent(100 * value) if self.is_share else f"{value:,.0f}"


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _talk(totals: Totals) -> float | None:
    agent, customer = (totals.sums[f"{role}_talk_seconds"] for role in ("agent", "customer"))
    return None if agent is None or customer is None else _share(agent, agent + customer)


def _minutes(totals: Totals) -> float | None:
    seconds = totals.sums["duration_seconds"]
    return None if seconds is None else seconds / 60


def _of(figure: str, whole: Callable[[Totals], float | None]) -> Callable[[Totals], float | None]:
    return lambda totals: _share(totals.sums[figure], whole(totals))


COLUMNS = (
    Column("Recordings", "time", False, lambda totals: totals.recordings),
    Column("Minutes", "duration_seconds", False, _minutes),
    Column("Talk ratio, agent", "talk_ratio_agent", True, _talk),
    Column(
        "Crosstalk",
        "crosstalk_seconds",
        True,
        _of("crosstalk_seconds", lambda t: t.two_party_seconds),
    ),
    Column(
        "Silence", "silence_seconds", True, _of("silence_seconds", lambda t: t.analysed_seconds)
    ),
    Column("Hold", "hold_seconds", True, _of("hold_seconds", lambda t: t.analysed_seconds)),
    Column("Answered in time", "elapsed_per_duration", True, lambda t: _share(t.in_time, t.timed)),
)
"""In time: within three times the audio's length."""


@dataclass(frozen=True)
class Line:
    """A group with its name and the view that lists exactly its recordings."""

    name: str
    totals: Totals
    view: ListView | None


@dataclass(frozen=True)
class WorstList:
    """The worst recordings by one measure: each with its row, where it can be opened."""

    measure: Measure
    view: ListView
    places: Sequence[tuple[Recording, RecordingRow | None]]


@dataclass(frozen=True)
class Overview:
    """Everything that the page shows; `before` is the period of the same length before, None where
    the dates have an open end."""

    totals: Totals
    before: Totals | None
    before_view: ListView | None
    late: ListView
    days: Sequence[Line]
    groups: Mapping[str, Sequence[Line]]
    left_out: Mapping[str, int]
    worst: Sequence[WorstList]

    @property
    def scale(self) -> Mapping[str, float]:
        """The highest value of each column over the days, by its title."""
        return {
            column.title: max((column.value(line.totals) or 0 for line in self.days), default=0)
            for column in COLUMNS
        }


def overview_of(view: ListView, installs: Sequence[str], viewer: tzinfo) -> Overview:
    """The overview of a view. Raises CatalogueUnavailable, StoreUnavailable."""
    now = datetime.now(UTC)
    wanted, zone = view.wanted(viewer, now), view.zone_of(viewer)
    before_view = _before(view, viewer, now)
    before = _sum(before_view.wanted(viewer, now), installs) if before_view else None
    groups, left_out = {}, {}
    for by in ("agent", "queue", "install"):
        found = context().catalogue.totals(wanted, installs, by=by)
        groups[by] = _lines(view, by, found[:MAX_GROUPS], installs)
        left_out[by] = len(found[MAX_GROUPS:])
    return Overview(
        totals=_sum(wanted, installs),
        before=before,
        before_view=before_view,
        late=view.limited(Range("elapsed_per_duration", over=IN_TIME)),
        days=_days(view, wanted, installs, zone, view.days(viewer, now)),
        groups=groups,
        left_out=left_out,
        worst=_worst(view, wanted, installs),
    )


def _sum(wanted: Filter, installs: Sequence[str]) -> Totals:
    (group,) = context().catalogue.totals(wanted, installs)
    return group.totals


def _before(view: ListView, viewer: tzinfo, now: datetime) -> ListView | None:
    first, last = view.days(viewer, now)
    if first is None or last is None:
        return None
    length = last - first + ONE_DAY
    return view.on(first - length, first - ONE_DAY, name_of(view.zone_of(viewer)))


def _days(
    view: ListView,
    wanted: Filter,
    installs: Sequence[str],
    zone: tzinfo,
    ends: tuple[date | None, date | None],
) -> list[Line]:
    """A line of each day, also of one without a recording."""
    first, last = ends
    if first is None or last is None or (last - first).days >= MAX_DAYS:
        return []
    found = context().catalogue.totals(wanted, installs, by="day", zone=zone)
    by_day = {group.key: group.totals for group in found}
    days = [first + number * ONE_DAY for number in range((last - first).days + 1)]
    return [
        Line(short_day(day), by_day.get(day, NOTHING), view.on(day, day, name_of(zone)))
        for day in days
    ]


NOTHING = Totals(0, 0, 0, 0, dict.fromkeys(SUMMED), dict.fromkeys(SUMMED, 0), None, None, 0, 0, 0)
"""The totals of a day without a recording."""


def _lines(view: ListView, by: By, groups: Sequence[Group], installs: Sequence[str]) -> list[Line]:
    if by == "install":
        return [
            Line(short(str(one.key)), one.totals, view.where(install=str(one.key)))
            for one in groups
        ]
    rows = _rows([one.example for one in groups if one.example])
    lines: list[Line] = []
    for one in groups:
        row = rows.get(one.example) if one.key and one.example else None
        name = str(row.call.get(by) or "unknown") if row else "unknown"
        if row and len(installs) > 1:
            name = f"{name} ({short(row.tenant)})"
        target = view.where(**{by: str(one.key) if one.key else NONE})
        lines.append(Line(name, one.totals, target))
    return lines


def _worst(view: ListView, wanted: Filter, installs: Sequence[str]) -> list[WorstList]:
    found = {
        measure: [
            one
            for one in context()
            .catalogue.page(wanted, _order(measure), None, WORST, installs)
            .recordings
            if _is_worth_a_look(measure, one.figures[measure.figure])
        ]
        for measure in MEASURES.values()
    }
    rows = _rows([(one.install, one.recording_id) for some in found.values() for one in some])
    return [
        WorstList(
            measure,
            view.sorted(_order(measure)),
            [(one, rows.get((one.install, one.recording_id))) for one in some],
        )
        for measure, some in found.items()
        if some
    ]


def _is_worth_a_look(measure: Measure, value: float | None) -> bool:
    """True for a known figure, but none of something: no hold is not the tenth longest hold."""
    return value is not None and (measure.worst == "least" or value > 0)


def _order(measure: Measure) -> Sort:
    return Sort(measure.figure, descending=measure.worst == "most")


def _rows(keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], RecordingRow]:
    """The rows of recordings by install and id: they have the names."""
    entries = [Entry(install, name, ids_prefix(name) + install) for install, name in set(keys)]
    return {(row.tenant, row.recording_id): row for row in context().recording_rows.of(entries)}
