"""The list of recordings, newest first, out of an index that stores can only read forwards.

A page goes back from day to day, over any gap in a few requests, and reads each day's names whole.
It must never list an install that its caller did not name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, Self

from addon.archive.archive import Archive
from addon.archive.names import Entry, day_of
from addon.errors import NotFound

EPOCH = date(2008, 1, 1)
"""Before any recording: Twilio began in 2008."""

ONE_DAY = timedelta(days=1)

WHOLE_DAY = 1000
"""Names asked for at once: what a bucket answers in one request."""


class Position(NamedTuple):
    """One recording's position in the list; positions order as the list does, latest highest."""

    day: date
    name: str
    tenant: str

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The position of an entry of the day index."""
        return cls(day_of(entry), entry.key.rpartition("/")[2], entry.tenant)

    @classmethod
    def parse(cls, text: str) -> Self:
        """A cursor as it stands in a link. Raises NotFound."""
        day, _, rest = text.partition("/")
        name, _, tenant = rest.partition("/")
        try:
            return cls(date.fromisoformat(day), name, tenant)
        except ValueError:
            raise NotFound("This page of the list does not exist") from None

    def __str__(self) -> str:
        return f"{self.day}/{self.name}/{self.tenant}"


@dataclass(frozen=True)
class ListPage:
    """A page of the list; `cursor` continues behind it, None at the end."""

    entries: Sequence[Entry]
    cursor: str | None

    @classmethod
    def cut(cls, entries: Sequence[Entry], limit: int) -> Self:
        """The first `limit` of the entries found."""
        more = len(entries) > limit
        return cls(entries[:limit], str(Position.of(entries[limit - 1])) if more else None)


class RecordingList:
    """The recordings of some installs, by pages."""

    def __init__(self, archive: Archive, installs: Iterable[str]) -> None:
        self._archive = archive
        self._installs = tuple(installs)

    def newest(self, cursor: str | None, limit: int) -> ListPage:
        """The latest recordings, or those behind `cursor`. Raises NotFound, StoreUnavailable."""
        before = Position.parse(cursor) if cursor else None
        found: list[Entry] = []
        day = self._latest_day(before.day if before else date.max)
        while day and len(found) <= limit:
            found += self._behind(before, day)
            day = self._latest_day(day - ONE_DAY)
        return ListPage.cut(found, limit)

    def of_day(self, day: date, cursor: str | None, limit: int) -> ListPage:
        """One UTC day's recordings, the latest first."""
        return ListPage.cut(self._behind(Position.parse(cursor) if cursor else None, day), limit)

    def of_call(self, call_sid: str) -> ListPage:
        """The recordings of one call, whichever installs hold them."""
        pages = (self._archive.list(one, call_sid=call_sid) for one in self._installs)
        return ListPage([entry for page in pages for entry in page.entries], None)

    def _behind(self, before: Position | None, day: date) -> list[Entry]:
        """A day's entries, latest first, and only those behind the position `before`."""
        entries = [entry for install in self._installs for entry in self._names(install, day)]
        entries.sort(key=Position.of, reverse=True)
        return [entry for entry in entries if before is None or Position.of(entry) < before]

    def _names(self, install: str, day: date) -> Iterator[Entry]:
        cursor: str | None = None
        while True:
            page = self._archive.list(install, day=day, cursor=cursor, limit=WHOLE_DAY)
            yield from page.entries
            cursor = page.cursor
            if cursor is None:
                return

    def _latest_day(self, until: date) -> date | None:
        """The last day up to `until` that has a recording.

        An index read forwards tells whether anything lies between a day and `until`; so the search
        doubles its way back from the present, and then halves what is left.
        """
        nothing_from = min(until, datetime.now(UTC).date() + ONE_DAY) + ONE_DAY
        found, reach = None, ONE_DAY
        while found is None:
            start = nothing_from - reach if nothing_from - EPOCH > reach else EPOCH
            found = self._last_of_next(start, until)
            if found is None and start == EPOCH:
                return None
            nothing_from, reach = (nothing_from if found else start), 2 * reach
        while nothing_from - found > ONE_DAY:
            middle = found + (nothing_from - found) / 2
            later = self._last_of_next(middle, until)
            found, nothing_from = (later, nothing_from) if later else (found, middle)
        return found

    def _last_of_next(self, start: date, until: date) -> date | None:
        """Of each install's first day from `start` on, the last one up to `until`."""
        cursor = f"{start}/"
        pages = (self._archive.list(one, cursor=cursor, limit=1) for one in self._installs)
        days = (day_of(entry) for page in pages for entry in page.entries)
        return max((day for day in days if day <= until), default=None)
