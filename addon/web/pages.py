"""`/recordings` and `/recordings/<id>`: the pages for people who signed in (spec/interfaces 4).

An address here is for ever; the session and the grant behind it are not. Nothing is shown of a
recording whose install the user may not know of, not even that it exists.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from addon.archive.names import Entry, ids_prefix
from addon.errors import NotFound
from addon.web import call_page, page_responses, recording_page, static_files
from addon.web.context import context
from addon.web.current_user import User, current_user
from addon.web.formats import FILTERS
from addon.web.recording_list import ListPage, RecordingList

PAGE_SIZE = 25
"""Recordings on a page of the list: each is opened for its talk bar."""

_SID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

blueprint = Blueprint("pages", __name__, template_folder="templates")
static_files.add_to(blueprint)
page_responses.apply(blueprint)
recording_page.add_to(blueprint)
call_page.add_to(blueprint)
for _name, _filter in FILTERS.items():
    blueprint.add_app_template_filter(_filter, _name)


@blueprint.get("/")
def home() -> Response:
    """The service's address alone leads to the list."""
    return redirect(url_for("pages.recordings"))


@blueprint.get("/recordings")
def recordings() -> Response | str:
    """The list: latest first, or of a day, a call, an install; `q` finds a SID."""
    user = current_user()
    sought = request.args.get("q", "").strip()
    if sought:
        return _search(user, sought)
    installs = user.installs()
    chosen = request.args.get("install", "")
    listed = _list_page(RecordingList(context().archive, _chosen(user, installs, chosen)))
    filters = {"chosen": chosen, **{name: request.args.get(name, "") for name in ("day", "call")}}
    return _show(user, listed, installs, **filters)


@blueprint.get("/recordings/<recording_id>")
def recording(recording_id: str) -> str:
    """The player: a permanent link."""
    user = current_user()
    holders = user.holders(recording_id)
    if len(holders) > 1 and "install" not in request.args:
        return _ambiguous(user, recording_id, holders)
    return recording_page.page(user, recording_id, holders)


def _list_page(recordings: RecordingList) -> ListPage:
    day, call, cursor = (request.args.get(name) for name in ("day", "call", "cursor"))
    if call:
        return recordings.of_call(call) if _SID.fullmatch(call) else ListPage((), None)
    if not day:
        return recordings.newest(cursor, PAGE_SIZE)
    try:
        return recordings.of_day(date.fromisoformat(day), cursor, PAGE_SIZE)
    except ValueError:
        raise NotFound("There is no such day") from None


def _show(user: User, listed: ListPage, installs: Sequence[str], **filters: str) -> str:
    """The page of a list; `filters` are those that it was made with."""
    rows = context().recording_rows.of(listed.entries)
    return render_template(
        "recordings.html", user=user, rows=rows, listed=listed, installs=installs, **filters
    )


def _chosen(user: User, installs: Sequence[str], chosen: str) -> Sequence[str]:
    if not chosen:
        return installs
    if not _SID.fullmatch(chosen) or not user.rights.admits(chosen):
        raise NotFound("There is no install by this name that you may know of")
    return [chosen]


def _search(user: User, sought: str) -> Response | str:
    """Lead to a recording's page, or to the list of a call, an install or a day."""
    if not _SID.fullmatch(sought):
        return render_template("nothing.html", user=user, sought=sought)
    if sought.startswith("CA"):
        return redirect(url_for("pages.call", call_sid=sought))
    if any(map(user.rights.admits, context().archive.find(sought))):
        return redirect(url_for("pages.recording", recording_id=sought))
    if sought in user.installs():
        return redirect(url_for("pages.recordings", install=sought))
    if re.fullmatch(r"\d{4}-\d\d-\d\d", sought):
        return redirect(url_for("pages.recordings", day=sought))
    return render_template("nothing.html", user=user, sought=sought)


def _ambiguous(user: User, recording_id: str, holders: Sequence[str]) -> str:
    """Two installs analysed the same recording: the user chooses."""
    entries = [Entry(holder, recording_id, ids_prefix(recording_id) + holder) for holder in holders]
    return _show(user, ListPage(entries, None), holders, ambiguous=recording_id)
