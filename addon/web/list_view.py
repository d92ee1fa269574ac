"""A view of the list of recordings, as its address says it: a filter, dates and an order.

The parameters are those of the catalogue's filter (`addon/catalogue/filters.py`), and for dates
`period`, or `from` and `to` in the days of `zone`. Proxies log addresses, so the page writes none
that identifies a person: an agent and a queue are the catalogue's keys, and a search for anything
but a SID is encrypted (`addon/web/searches.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Self

from werkzeug.datastructures import MultiDict

from addon.catalogue.filters import Filter, Range, Sort
from addon.errors import NotFound
from addon.vault import Vault
from addon.web import searches
from addon.web.viewer_zone import zone_named

ONE_DAY = timedelta(days=1)

PERIODS = {"today": "Today", "yesterday": "Yesterday", "7d": "Last 7 days", "30d": "Last 30 days"}
"""Periods by their word in addresses. They move with the day; `from` and `to` stay."""

SEARCH = "s"
"""The parameter of an encrypted search text."""

EVERYTHING = Filter()
LATEST_FIRST = Sort()

_DATES = ("period", "from", "to", "zone")


@dataclass(frozen=True)
class ListView:
    """What is listed and in which order; the default is everything, the latest first.

    `search` is the search text as the address has it, `first` and `last` are days of `zone`.
    """

    filter: Filter = EVERYTHING
    sort: Sort = LATEST_FIRST
    search: str = ""
    period: str = ""
    first: date | None = None
    last: date | None = None
    zone: str = ""

    @classmethod
    def parse(cls, given: MultiDict[str, str], vault: Vault) -> Self:
        """The view of an address; empty parameters are none. Raises NotFound, InvalidParameter."""
        pairs = [
            ({"call": "call_sid"}.get(name, name), value)
            for name, value in given.items(multi=True)
            if name not in (SEARCH, "sort")
        ]
        wanted, search = Filter.parse(pairs), given.get(SEARCH, "")
        if search:
            wanted = wanted.replace(text=searches.decrypted(search, vault))
        day, period = given.get("day", ""), given.get("period", "")
        if period and period not in PERIODS:
            raise NotFound("There is no such period")
        view = cls(filter=wanted, sort=Sort.parse(given.get("sort")), search=search, period=period)
        first, last = _date(given.get("from") or day), _date(given.get("to") or day)
        if first is None and last is None:
            return view
        zone = given.get("zone", "")
        return view.on(first, last, zone if zone_named(zone) else "")

    def query(self) -> list[tuple[str, str]]:
        """The parameters of this view's address, in a fixed order and without defaults."""
        dates = [self.period, str(self.first or ""), str(self.last or ""), self.zone]
        shown = self.filter.replace(text=None) if self.search else self.filter
        pairs = [(SEARCH, self.search), *shown.parameters()]
        pairs += zip(_DATES, dates, strict=True)
        pairs.append(("sort", "" if self.sort == LATEST_FIRST else str(self.sort)))
        return [(name, value) for name, value in pairs if value]

    def where(self, **changes: object) -> Self:
        """The same view with other conditions of its filter, by field name."""
        kept = replace(self, filter=self.filter.replace(**changes))
        return replace(kept, search="") if "text" in changes else kept

    def without(self, name: str, value: str) -> Self:
        """The same view without one flag or category."""
        kept = tuple(one for one in getattr(self.filter, name) if one != value)
        return self.where(**{name: kept})

    def limit(self, figure: str) -> Range:
        """The limits of a figure."""
        return next((one for one in self.filter.ranges if one.figure == figure), Range(figure))

    def limited(self, wanted: Range) -> Self:
        """The same view with these limits of a figure in the place of others."""
        kept = [one for one in self.filter.ranges if one.figure != wanted.figure]
        if wanted != Range(wanted.figure):
            kept.append(wanted)
        return self.where(ranges=tuple(kept))

    def sorted(self, sort: Sort) -> Self:
        """The same view in another order."""
        return replace(self, sort=sort)

    def within(self, period: str) -> Self:
        """The same view of a period that moves with the day, or with an empty one of all days."""
        return replace(self, period=period, first=None, last=None, zone="")

    def on(self, first: date | None, last: date | None, zone: str) -> Self:
        """The same view of the days from `first` to `last`, both included, in this zone."""
        kept = "" if zone == "UTC" else zone
        return replace(self, period="", first=first, last=last, zone=kept)

    @property
    def is_plain(self) -> bool:
        """True for a view that the store's own index can list: everything, an install, a call or
        a UTC day, the latest first."""
        others = self.filter.replace(install=None, call_sid=None)
        one_day = self.first == self.last and not self.zone and not self.period
        return others.is_empty and self.sort == LATEST_FIRST and one_day

    def zone_of(self, viewer: tzinfo) -> tzinfo:
        """The zone whose days are meant: the viewer's for a period that moves with the day; for
        dates the one that the address names, so that a link shows everybody the same, else UTC."""
        return viewer if self.period else zone_named(self.zone) or UTC

    def days(self, viewer: tzinfo, now: datetime) -> tuple[date | None, date | None]:
        """The first and the last day of the view; None is no limit."""
        today = now.astimezone(self.zone_of(viewer)).date()
        back = {"today": (0, 0), "yesterday": (1, 1), "7d": (6, 0), "30d": (29, 0)}
        if self.period in back:
            first, last = back[self.period]
            return today - first * ONE_DAY, today - last * ONE_DAY
        return self.first, self.last

    def wanted(self, viewer: tzinfo, now: datetime) -> Filter:
        """The filter with the moments of the view's days. Raises NotFound for impossible days."""
        first, last = self.days(viewer, now)
        zone = self.zone_of(viewer)
        try:
            since = datetime.combine(first, time(), zone).astimezone(UTC) if first else None
            until = datetime.combine(last + ONE_DAY, time(), zone).astimezone(UTC) if last else None
        except OverflowError:
            raise NotFound("There is no such day") from None
        return self.filter.replace(
            since=since or self.filter.since, until=until or self.filter.until
        )


def _date(text: str) -> date | None:
    text = text.strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound("There is no such day") from None
