"""The entries of a view: from the catalogue, or from the store's own index where that is away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from addon.archive.names import Entry, ids_prefix
from addon.catalogue.recording import Recording
from addon.errors import CatalogueUnavailable
from addon.web.context import context
from addon.web.list_view import ListView
from addon.web.recording_list import RecordingList
from addon.web.viewer_zone import viewer_zone

EXPORT_PAGE = 200
"""Rows that are asked for at once for a table."""


INCOMPLETE = (
    "The catalogue is being made: recordings are missing from filters, searches and numbers, and "
    "the whole list is shown without them."
)
AWAY = (
    "The catalogue cannot be asked just now. Filters, sorting and search for anything but a whole "
    "SID come back with it; below is the plain list."
)


@dataclass(frozen=True)
class Listed:
    """A page of a list.

    `known` are the catalogue's rows by install and id. `count` is of all pages, of which `is_more`
    says that there are more, None where it is not known; `notice` says what keeps the list from
    being whole.
    """

    entries: Sequence[Entry]
    cursor: str | None = None
    known: Mapping[tuple[str, str], Recording] = field(default_factory=dict)
    count: int | None = None
    is_more: bool = False
    notice: str = ""


def listed(view: ListView, installs: Sequence[str], cursor: str | None, limit: int) -> Listed:
    """A page of a view. Raises NotFound, InvalidParameter, StoreUnavailable."""
    try:
        catalogue = context().catalogue
        complete = catalogue.status(installs).compared_at is not None
        if not complete and view.is_plain:
            return _of_store(view, installs, cursor, limit, INCOMPLETE)
        found = _of_catalogue(view, installs, cursor, limit)
        counted = catalogue.count(view.wanted(viewer_zone(), datetime.now(UTC)), installs)
        notice = "" if complete else INCOMPLETE
        return replace(found, count=counted.number, is_more=counted.is_more, notice=notice)
    except CatalogueUnavailable:
        return _of_store(view, installs, cursor, limit, AWAY)


def every_page(view: ListView, installs: Sequence[str]) -> Iterator[Sequence[Entry]]:
    """The entries of a view, page by page. Raises as `listed`, and CatalogueUnavailable."""
    cursor: str | None = None
    while True:
        found = _of_catalogue(view, installs, cursor, EXPORT_PAGE)
        yield found.entries
        cursor = found.cursor
        if cursor is None:
            return


def _of_catalogue(
    view: ListView, installs: Sequence[str], cursor: str | None, limit: int
) -> Listed:
    wanted = view.wanted(viewer_zone(), datetime.now(UTC))
    page = context().catalogue.page(wanted, view.sort, cursor, limit, installs)
    known = {(one.install, one.recording_id): one for one in page.recordings}
    entries = [Entry(install, name, ids_prefix(name) + install) for install, name in known]
    return Listed(entries, page.cursor, known)


def _of_store(
    view: ListView, installs: Sequence[str], cursor: str | None, limit: int, notice: str
) -> Listed:
    """The page that the store has an index for: without filters and order of the view, and
    nothing for a search."""
    if view.filter.text:
        return Listed((), notice=notice)
    recordings = RecordingList(context().archive, installs)
    if view.filter.call_sid:
        page = recordings.of_call(view.filter.call_sid)
    elif view.first and view.first == view.last:
        page = recordings.of_day(view.first, cursor, limit)
    else:
        page = recordings.newest(cursor, limit)
    return Listed(page.entries, page.cursor, notice=notice)
