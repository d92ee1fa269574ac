"""`/recordings/<id>`: the page of a recording, for people who signed in (spec/interfaces 4).

An address here is for ever; the session and the grant behind it are not. Nothing is shown of a
recording whose install the user may not know of, not even that it exists.
"""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from addon.web import call_page, page_responses, recording_page, static_files
from addon.web.current_user import current_user
from addon.web.formats import FILTERS
from addon.web.lists import show_ambiguous

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
    return redirect(url_for("lists.recordings"))


@blueprint.get("/recordings/<recording_id>")
def recording(recording_id: str) -> str:
    """The player: a permanent link."""
    user = current_user()
    holders = user.holders(recording_id)
    if len(holders) > 1 and "install" not in request.args:
        return show_ambiguous(user, recording_id, holders)
    return recording_page.page(user, recording_id, holders)
