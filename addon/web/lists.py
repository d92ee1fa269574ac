"""`/recordings` and what belongs to the list: search, saved views, the table as a file, the zone.

Lists come from the catalogue. Where it cannot be asked, the store's own index lists what it can,
and the page says so. Rows are always made of the archive itself (`addon/web/recording_rows.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, tzinfo
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from addon.archive.names import Entry, ids_prefix, is_id
from addon.catalogue.filters import OVER, UNDER, Sort
from addon.errors import NotFound
from addon.web import page_responses, searches
from addon.web.context import context
from addon.web.cookies import Cookies
from addon.web.current_user import User, current_user
from addon.web.formats import FLAGS
from addon.web.list_chips import chips
from addon.web.list_csv import MAX_EXPORTED, csv_answer
from addon.web.list_measures import MEASURES
from addon.web.list_source import Listed, listed
from addon.web.list_view import PERIODS, SEARCH, ListView
from addon.web.recording_rows import RecordingRow
from addon.web.safe_redirect import safe_path
from addon.web.saved_views import SavedView
from addon.web.viewer_zone import name_of, viewer_zone, wants_zone, zone_named, zone_names

PAGE_SIZE = 25
"""Recordings on a page of the list: each is opened for its talk bar."""

blueprint = Blueprint("lists", __name__)
page_responses.apply(blueprint)

ORDERS = [
    ("-time", "Latest first"),
    ("time", "Earliest first"),
    *(
        (str(Sort(name, one.worst == "most")), f"{one.title}, {one.worst} first")
        for name, one in MEASURES.items()
    ),
]
"""The orders that can be chosen without the table's headings, as on a phone."""

FIELDS = {
    *("from", "to", "zone", "install", "sort", "flag"),
    *(name + end for name in MEASURES for end in (OVER, UNDER)),
}
"""Parameters that the form has fields for; it carries the others along."""


class Rows(NamedTuple):
    """Rows under one heading; `day` is None where the order is not that of time."""

    day: date | None
    rows: list[RecordingRow]


@blueprint.get("/recordings")
def recordings() -> Response | str:
    """The list of a view; a whole SID leads to its page, and a form's empty fields are left out."""
    user = current_user()
    if found := _named(user, request.args.get("q", "").strip()):
        return redirect(found)
    view = ListView.parse(request.args, context().cookie_vault)
    if not all(value.strip() for value in request.args.values()):
        return redirect(address(view))
    installs = installs_of(user, view)
    shown = listed(view, installs, request.args.get("cursor"), PAGE_SIZE)
    return show(user, view, shown)


@blueprint.get("/recordings.csv")
def recordings_csv() -> Response:
    """The rows of a view as a table for a spreadsheet."""
    user = current_user()
    view = ListView.parse(request.args, context().cookie_vault)
    return csv_answer(user, view, installs_of(user, view))


@blueprint.post("/recordings/search")
def search() -> Response:
    """Lead from a search text to its view; the text is not in the address in the clear."""
    user = current_user()
    text = searches.tidied(request.form.get("q", ""))
    if found := _named(user, text):
        return redirect(found, 303)
    if not text or searches.is_impersonal(text):
        return redirect(f"/recordings?{urlencode({'q': text})}" if text else "/recordings", 303)
    written = searches.encrypted(text, context().cookie_vault)
    return redirect(f"/recordings?{urlencode({SEARCH: written})}", 303)


@blueprint.post("/recordings/views")
def save_view() -> Response:
    """Keep a view under a name, or forget one."""
    user = current_user()
    given = MultiDict(parse_qsl(request.form.get("query", ""))[:60])
    view = ListView.parse(given, context().cookie_vault)
    name = request.form.get("name", "")
    if request.form.get("do") == "remove":
        context().saved_views.remove(user.subject, name)
    else:
        context().saved_views.save(user.subject, SavedView(name, urlencode(view.query())))
    return redirect(address(view), 303)


@blueprint.get("/time-zone")
def choose_zone() -> str:
    """The form to choose the zone of times in, for browsers without script."""
    return render_template(
        "time_zone.html",
        user=current_user(),
        names=sorted(zone_names()),
        chosen=name_of(viewer_zone()),
        to=safe_path(request.args.get("next")),
    )


@blueprint.post("/time-zone")
def set_zone() -> Response:
    """Show this browser times in a zone. Raises NotFound for a zone that nobody knows."""
    current_user()
    name = request.form.get("zone", "")
    if zone_named(name) is None:
        raise NotFound("There is no time zone of this name")
    response = redirect(safe_path(request.form.get("next")), 303)
    Cookies.of(context().settings).remember_zone(response, name)
    return response


def address(view: ListView, path: str = "/recordings") -> str:
    """The address of a view."""
    query = urlencode(view.query())
    return f"{path}?{query}" if query else path


def show(user: User, view: ListView, shown: Listed, **more: Any) -> str:
    """The page of a list."""
    zone = viewer_zone()
    rows = context().recording_rows.of(shown.entries)
    if view.filter.call_sid and view.sort.by == "time":  # the store lists a call by names
        rows.sort(key=lambda row: (row.at, row.recording_id), reverse=view.sort.descending)
    return render_template(
        "recordings.html",
        user=user,
        view=view,
        rows=rows,
        listed=shown,
        installs=user.installs(),
        chips=[] if shown.count is None else chips(view, rows),
        zone=zone,
        zone_name=name_of(zone),
        zone_wanted=wants_zone(),
        groups=_groups(view, rows, zone),
        query=urlencode(view.query()),
        orders=ORDERS,
        flags=[(flag, name) for flag, (name, _) in FLAGS.items()],
        categories=_categories(view, shown),
        fields=FIELDS,
        saved=context().saved_views.of(user.subject),
        here=request.full_path.rstrip("?"),
        measures=MEASURES,
        periods=PERIODS,
        address=address,
        order=_order,
        exported=MAX_EXPORTED,
        **more,
    )


def show_ambiguous(user: User, recording_id: str, holders: Sequence[str]) -> str:
    """The list of the installs that analysed the same recording: the user chooses."""
    entries = [Entry(one, recording_id, ids_prefix(recording_id) + one) for one in holders]
    return show(user, ListView(), Listed(entries), ambiguous=recording_id)


def _categories(view: ListView, shown: Listed) -> list[str]:
    """The categories of the recordings on this page that the view does not ask for yet."""
    found = {each for known in shown.known.values() for each in known.categories}
    return sorted(found.difference(view.filter.categories))


def _groups(view: ListView, rows: Sequence[RecordingRow], zone: tzinfo) -> list[Rows]:
    """The rows by day where they are in the order of time, else all of them together."""
    if view.sort.by != "time":
        return [Rows(None, list(rows))]
    return [Rows(day, list(some)) for day, some in groupby(rows, lambda row: row.day(zone))]


def _order(view: ListView, figure: str) -> tuple[ListView, str]:
    """The view that a heading's link leads to, and the order that the heading has now."""
    now = view.sort.by == figure
    falling = not view.sort.descending if now else True
    state = ("descending" if view.sort.descending else "ascending") if now else "none"
    return view.sorted(Sort(figure, falling)), state


def installs_of(user: User, view: ListView) -> Sequence[str]:
    """The installs that are listed. Raises NotFound for one that the user may not know of."""
    chosen = view.filter.install
    if chosen is None:
        return user.installs()
    if not user.rights.admits(chosen):
        raise NotFound("There is no install by this name that you may know of")
    return [chosen]


def _named(user: User, text: str) -> str | None:
    """The address of what a text is the whole name of: a recording, a call, an install, a day."""
    if not text or not is_id(text):
        return None
    if any(map(user.rights.admits, context().archive.find(text))):
        return f"/recordings/{text}"
    if text.startswith("CA") and len(text) == 34:
        return f"/calls/{text}"
    if text in user.installs():
        return f"/recordings?install={text}"
    try:
        day = datetime.fromisoformat(text).date()
    except ValueError:
        return None
    return address(replace(ListView(), first=day, last=day)) if str(day) == text else None
