"""The rows of a view as comma-separated values, page by page, for a spreadsheet.

A cell of text that a spreadsheet could take for a formula begins with an apostrophe. Numbers are
numbers, and what is not known is an empty cell, never zero.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo
from itertools import islice
from typing import Any

from flask import Response, stream_with_context

from addon.web.access_log import access_from_request
from addon.web.context import context
from addon.web.current_user import User
from addon.web.list_measures import MEASURES
from addon.web.list_source import every_page
from addon.web.list_view import ListView
from addon.web.recording_rows import RecordingRow
from addon.web.viewer_zone import viewer_zone

MAX_EXPORTED = 10_000
"""Rows of one table: each is decrypted, some milliseconds; the page says so."""

LISTS = "list"
"""In the place of a recording's id in the access log: one event of each install's list."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""First letters that a spreadsheet may take for the beginning of a formula."""

FACTS = ("from", "to", "direction", "agent", "queue", "outcome")

HEADINGS = (
    *("recording", "install", "call", "time", "time_utc"),
    *FACTS,
    *MEASURES,
    *("agent_talk_percent", "flags", "not_shown"),
)


def csv_answer(user: User, view: ListView, installs: Sequence[str]) -> Response:
    """A table that is sent while it is made, after it is on record that it is taken away.

    Raises CatalogueUnavailable, and StoreUnavailable where it cannot be put on record.
    """
    pages = every_page(view, installs)
    first = next(pages, [])
    for install in installs:
        facts = {"listener": user.name, "right": "page", "purpose": "table"}
        context().access_log.exported(access_from_request(install, (LISTS,), **facts))
    zone = viewer_zone()

    def lines() -> Iterator[str]:
        yield "\ufeff" + line(HEADINGS)  # without it a spreadsheet takes UTF-8 for Latin-1
        yield from islice(_lines(first, pages, zone), MAX_EXPORTED)

    answer = Response(stream_with_context(lines()), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="recordings.csv"'
    return answer


def _lines(first: Sequence[Any], pages: Iterator[Sequence[Any]], zone: tzinfo) -> Iterator[str]:
    entries = first
    while entries:
        for row in context().recording_rows.of(entries):
            yield line(cells(row, zone))
        entries = next(pages, [])


def cells(row: RecordingRow, zone: tzinfo) -> list[str | float | None]:
    """The cells of a row under HEADINGS."""
    local = row.at.astimezone(zone)
    return [
        row.recording_id,
        row.tenant,
        row.call_sid,
        f"{local:%Y-%m-%d %H:%M:%S}",
        f"{row.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        *(row.call.get(name) for name in FACTS),
        *(row.figure(name) for name in MEASURES),
        next((part.share for part in row.bar if part.kind == "agent"), None),
        " ".join(row.flags),
        row.trouble,
    ]


def line(values: Sequence[str | float | None]) -> str:
    """One line, by RFC 4180."""
    written = io.StringIO()
    csv.writer(written).writerow([_safe(value) for value in values])
    return written.getvalue()


def _safe(value: str | float | None) -> str | float:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return "" if value is None else value
