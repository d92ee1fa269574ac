"""Compares the archive's index by days with the catalogue, and mends what differs.

A recording that is missing is written without its figures where no key opens its analysis; one
that is in the catalogue alone goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from addon.archive.archive import Archive
from addon.archive.index import tenants
from addon.archive.manifest import Manifest
from addon.archive.names import Entry, Unreadable, day_of, files
from addon.catalogue.catalogue import Catalogue
from addon.catalogue.row import Row

LISTED_AT_ONCE = 1000
"""Names asked for at once: what a bucket answers in one request."""

CodeOf = Callable[[str], int | None]
"""Gives the code of a failure by request SID; None where there was none."""


class Comparison:
    """One comparison: `added` and `removed` count what was mended."""

    def __init__(self, archive: Archive, catalogue: Catalogue, code_of: CodeOf) -> None:
        self.added = 0
        self.removed = 0
        self._archive = archive
        self._catalogue = catalogue
        self._code_of = code_of

    def run(self, most: int) -> bool:
        """Compare everything, or until `most` recordings were added; True if all was compared.

        Raises StoreUnavailable, CatalogueUnavailable.
        """
        listed = list(tenants(self._archive.store))
        for install in dict.fromkeys([*listed, *self._catalogue.installs()]):
            if not self._compare(install, most):
                return False
        self._catalogue.note_comparison(datetime.now(UTC))
        return True

    def _compare(self, install: str, most: int) -> bool:
        only_here = set(self._catalogue.days(install))
        for day, group in groupby(entries(self._archive, install), key=day_of):
            only_here.discard(day)
            listed = {entry.recording_id: entry for entry in group}
            known = self._known(install, day)
            self._remove_gone(install, known - set(listed))
            missing = [entry for name, entry in listed.items() if name not in known]
            self._add(missing[: most - self.added])
            if self.added >= most:
                return False
        for day in only_here:
            self._remove_gone(install, self._known(install, day))
        return True

    def _known(self, install: str, day: date) -> set[str]:
        start = datetime.combine(day, time(), UTC)
        return self._catalogue.ids_between(install, start, start + timedelta(days=1))

    def _add(self, missing: Iterable[Entry]) -> None:
        rows = [row for entry in missing if (row := self._row(entry)) is not None]
        if rows:
            self._catalogue.write(rows)
            self.added += len(rows)

    def _row(self, entry: Entry) -> Row | None:
        found = self._archive.examined(entry)
        if found is None or isinstance(found, Unreadable):
            return None
        return self._catalogue.row(found, None, code_of(found, self._code_of))

    def _remove_gone(self, install: str, ids: Iterable[str]) -> None:
        """Remove what has no manifest: an entry may be missing that is just being written."""
        gone = [
            id
            for id in ids
            if self._archive.store.stat(files(install, id).manifest) is None
            or self._archive.is_erased(install, id)
        ]
        if gone:
            self._catalogue.remove(install, gone)
            self.removed += len(gone)


def entries(archive: Archive, install: str, cursor: str | None = None) -> Iterator[Entry]:
    """An install's index entries in the order of days, behind `cursor`."""
    while True:
        page = archive.list(install, cursor=cursor, limit=LISTED_AT_ONCE)
        yield from page.entries
        cursor = page.cursor
        if cursor is None:
            return


def code_of(manifest: Manifest, known: CodeOf) -> int | None:
    """The code of a recording that was archived without an analysis."""
    return known(manifest.facts.request_sid) if manifest.analysis is None else None
