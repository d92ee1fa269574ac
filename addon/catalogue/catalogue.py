"""The catalogue: write a recording, list pages of them, sum figures up, find the worst.

Every reader names the installs that its caller may see. Whatever fails is CatalogueUnavailable.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Any, Self

from sqlalchemy import Connection, select

from addon.archive.manifest import Manifest
from addon.catalogue import grouping, writing
from addon.catalogue.database import Database, url_of
from addon.catalogue.filters import Filter, Sort
from addon.catalogue.grouping import DAY_S, By, Group, date_of
from addon.catalogue.paging import Page, page_of
from addon.catalogue.recording import Recording, recording_of
from addon.catalogue.row import EPOCH_S, KEYED_BITS, Row, first_id, row_of
from addon.catalogue.search_tokens import Tokens
from addon.catalogue.selection import Part, Selection, allowed
from addon.catalogue.tables import recordings
from addon.errors import CatalogueUnavailable
from addon.settings import Settings

COMPARED = "compared_at"
POSITION = "rebuild"
KEY = "key"
"""The fact that tells which CATALOGUE_KEY made the tokens."""


MOST_COUNTED = 5_000
"""Recordings of a filter that are counted: each is looked at, and nobody pages through more."""


@dataclass(frozen=True)
class Status:
    """The extent of the catalogue: of its recordings, `unknown` have no figures yet.

    `compared_at` is when it was last found to name every recording of the archive, None for never:
    until then something may be missing.
    """

    recordings: int
    unknown: int
    compared_at: datetime | None


@dataclass(frozen=True)
class Count:
    """A number of recordings; `is_more` where there are more than it says."""

    number: int
    is_more: bool = False


class Catalogue:
    """The catalogue of one process; opened when first used, and safe for threads."""

    def __init__(self, database: Database, made: Tokens) -> None:
        self._database = database
        self._made = made
        self._checked = 0

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The catalogue of the settings; nothing is opened yet.

        Raises SettingsError, and CatalogueUnavailable without CATALOGUE_KEY.
        """
        if not settings.catalogue_key:
            raise CatalogueUnavailable("there is no catalogue, because CATALOGUE_KEY is unset")
        return cls(Database(url_of(settings)), Tokens(settings.catalogue_key))

    def row(
        self, manifest: Manifest, document: Mapping[str, Any] | None, code: int | None = None
    ) -> Row:
        """The row of a recording, for `write`: see `row_of`."""
        return row_of(self._made, manifest, document, code=code)

    def write(self, rows: Sequence[Row]) -> None:
        """Write recordings, in one transaction; a newer row that is there stays."""
        if self._database.open() != self._checked:
            with self._reading():
                pass  # which looks whether the key is the catalogue's
        with self._database.writing() as cursor:
            writing.write(cursor, rows)

    def remove(self, install: str, recording_ids: Collection[str]) -> None:
        """Remove recordings of an install, with all of their tokens."""
        with self._database.writing() as cursor:
            writing.remove(cursor, install, recording_ids)

    def page(
        self,
        wanted: Filter,
        sort: Sort,
        cursor: str | None,
        limit: int,
        installs: Collection[str],
    ) -> Page:
        """Recordings in order, from the beginning or behind `cursor`. Raises InvalidParameter."""
        with self._reading() as connection:

            def selected(order: str) -> Selection:
                return Selection(connection, wanted, installs, self._made, order)

            return page_of(connection, selected, sort, cursor, limit)

    def count(self, wanted: Filter, installs: Collection[str]) -> Count:
        """Number of recordings that a filter finds. One with more conditions than a time is counted
        up to MOST_COUNTED."""
        if grouping.is_stretch(wanted):
            (group,) = self.totals(wanted, installs)
            return Count(group.totals.recordings)
        with self._reading() as connection:
            selection = Selection(connection, wanted, installs, self._made)
            ids: set[int] = set()  # of parts, which may have the same recording
            for part in selection.parts:
                some = part.select(part.id).limit(MOST_COUNTED + 1)
                ids.update(connection.scalars(some))
                if len(ids) > MOST_COUNTED:
                    return Count(MOST_COUNTED, is_more=True)
            return Count(len(ids))

    def totals(
        self,
        wanted: Filter,
        installs: Collection[str],
        *,
        by: By | None = None,
        zone: tzinfo = UTC,
    ) -> list[Group]:
        """Sums of the recordings that a filter finds: one group for all, or one for each key.

        By `day` in `zone`, `agent`, `queue` or `install`; recordings without an agent or a queue
        are the group whose key is None.
        """
        with self._reading() as connection:

            def selected(some: Filter) -> Part:
                return Selection(connection, some, installs, self._made).whole()

            counted = allowed(wanted, installs)
            return grouping.totals(connection, wanted, counted, selected, by, zone)

    def worst(
        self, measure: str, wanted: Filter, n: int, installs: Collection[str]
    ) -> list[Recording]:
        """The `n` recordings with the highest figure `measure`; those without it are none."""
        page = self.page(wanted, Sort(measure, descending=True), None, n, installs)
        return [one for one in page.recordings if one.figures[measure] is not None]

    def find(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Recording]:
        """The recordings of these installs and ids; what is not in the catalogue is left out."""
        ids = [recording_id for _, recording_id in keys]
        statement = select(recordings).where(
            recordings.c.recording_id.in_(ids),
            recordings.c.install.in_({install for install, _ in keys}),
        )
        with self._reading() as connection:
            found = [recording_of(row) for row in connection.execute(statement).mappings()]
        wanted = set(keys)
        by_key = {(one.install, one.recording_id): one for one in found}
        return {key: one for key, one in by_key.items() if key in wanted}

    def installs(self) -> list[str]:
        """Every install that has a recording."""
        found: list[str] = []
        with self._reading() as connection:
            while True:
                behind = recordings.c.install > (found[-1] if found else "")
                ordered = select(recordings.c.install).where(behind)
                install = connection.scalar(ordered.order_by(recordings.c.install).limit(1))
                if install is None:
                    return found
                found.append(install)

    def status(self, installs: Collection[str]) -> Status:
        """The extent of what the catalogue knows of these installs."""
        with self._reading() as connection:
            compared = writing.fact(connection, COMPARED)
        (group,) = self.totals(Filter(), installs)
        moment = datetime.fromisoformat(compared) if compared else None
        return Status(group.totals.recordings, group.totals.unknown, moment)

    def days(self, install: str) -> list[date]:
        """The UTC days of an install's recordings."""
        day = ((recordings.c.id // (1 << KEYED_BITS) + EPOCH_S) // DAY_S).label("day")
        statement = select(day).where(recordings.c.install == install).distinct()
        with self._reading() as connection:
            return [date_of(number) for number in connection.scalars(statement)]

    def ids_between(self, install: str, since: datetime, until: datetime) -> set[str]:
        """The ids of an install's recordings of some whole seconds, the last not included."""
        statement = select(recordings.c.recording_id).where(
            recordings.c.install == install,
            recordings.c.id >= first_id(since),
            recordings.c.id < first_id(until),
        )
        with self._reading() as connection:
            return set(connection.scalars(statement))

    def note_comparison(self, at: datetime) -> None:
        """Keep when every recording of the archive was found to be here."""
        with self._database.begin() as connection:
            writing.put_fact(connection, COMPARED, at.isoformat())

    def position(self) -> str:
        """The position of an interrupted rebuild; empty at its beginning."""
        with self._reading() as connection:
            return writing.fact(connection, POSITION) or ""

    def note_position(self, position: str | None) -> None:
        """Keep how far a rebuild is; None at its end."""
        with self._database.begin() as connection:
            writing.put_fact(connection, POSITION, position)

    def take_key(self) -> None:
        """Empty a catalogue that was made with another CATALOGUE_KEY, and make it this key's."""
        with self._database.begin() as connection:
            if writing.fact(connection, KEY) not in (None, self._made.check):
                writing.empty(connection)
            writing.put_fact(connection, KEY, self._made.check)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._database.begin() as connection:
            self._check_key(connection)
            yield connection

    def _check_key(self, connection: Connection) -> None:
        """Raises CatalogueUnavailable where the tokens are another key's, and find nothing.

        Looked at whenever the database was opened.
        """
        openings = self._database.openings
        if openings == self._checked:
            return
        known = writing.fact(connection, KEY)
        if known is None:
            known = writing.first_fact(connection, KEY, self._made.check)
        if known != self._made.check:
            raise CatalogueUnavailable(
                "the catalogue was made with another CATALOGUE_KEY",
                remedy="Run `flask catalogue rebuild`.",
            )
        self._checked = openings

    def close(self) -> None:
        """Leave the database."""
        self._database.close()
