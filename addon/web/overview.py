"""`/overview`: the figures over many recordings, each a link to the list behind it.

The address is that of a list (`addon/web/list_view.py`); without dates it is the last seven days.
Sums come from the catalogue, names from the archive. Installs that the user may not know of count
nowhere.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request

from addon.errors import CatalogueUnavailable
from addon.web import page_responses
from addon.web.context import context
from addon.web.current_user import current_user
from addon.web.list_chips import chips
from addon.web.list_source import AWAY, INCOMPLETE
from addon.web.list_view import PERIODS, ListView
from addon.web.lists import address, installs_of
from addon.web.overview_figures import COLUMNS, overview_of
from addon.web.viewer_zone import name_of, viewer_zone, wants_zone

USUAL_PERIOD = "7d"

blueprint = Blueprint("overview", __name__)
page_responses.apply(blueprint)


@blueprint.get("/overview")
def overview() -> str:
    """The page. Without the catalogue it says so."""
    user = current_user()
    view = ListView.parse(request.args, context().cookie_vault)
    if not (view.period or view.first or view.last):
        view = view.within(USUAL_PERIOD)
    installs = installs_of(user, view)
    try:
        made = overview_of(view, installs, viewer_zone())
        complete = context().catalogue.status(installs).compared_at is not None
        notice = "" if complete else INCOMPLETE
    except CatalogueUnavailable:
        made, notice = None, AWAY
    return render_template(
        "overview.html",
        user=user,
        view=view,
        made=made,
        notice=notice,
        columns=COLUMNS,
        chips=chips(view, []),
        periods=PERIODS,
        address=address,
        zone=viewer_zone(),
        zone_name=name_of(viewer_zone()),
        zone_wanted=wants_zone(),
        here=request.full_path.rstrip("?"),
    )
