"""`/webhooks`: endpoints and the latest tries for people, and sending an event again.

A person sees the endpoints of installs that they may know of: state, host and tries, never a
secret, nor the path of an address, which may hold one. Sending again takes the right to manage
webhooks, and a form of our own page.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from addon.errors import Forbidden, NotFound, NotStored, Unavailable
from addon.web import page_responses
from addon.web.context import context
from addon.web.current_user import User, current_user
from addon.webhooks.endpoints import Known
from addon.webhooks.outbox import DeliveryName
from addon.webhooks.tries import Try

MAX_ENDPOINTS = 50
"""Endpoints on the page; with more an install has to be chosen."""

TRIES = 20
"""Tries of an endpoint on the page."""

OUTCOMES = {
    "delivered": "Delivered",
    "failed": "Not taken",
    "given up": "Given up",
    "disabled": "Not taken, endpoint disabled",
}
"""What became of a try, for people."""

blueprint = Blueprint("webhook_pages", __name__)
page_responses.apply(blueprint)


@dataclass(frozen=True)
class Row:
    """An endpoint with its latest tries; None where they cannot be had just now."""

    known: Known
    tries: list[Try] | None


@blueprint.get("/webhooks")
def webhooks() -> str:
    """The endpoints that the person may know of."""
    user = current_user()
    installs = [one for one in context().outbox.endpoints.installs() if user.rights.admits(one)]
    chosen = request.args.get("install", "")
    if chosen and chosen not in installs:
        raise NotFound("There is no install by this name with a webhook that you may know of")
    rows = _rows([chosen] if chosen else installs)
    return render_template(
        "webhooks.html",
        user=user,
        is_offered=context().outbox.endpoints.is_offered,
        installs=installs,
        chosen=chosen,
        rows=rows[:MAX_ENDPOINTS],
        is_cut=len(rows) > MAX_ENDPOINTS,
        outcomes=OUTCOMES,
        sent=request.args.get("sent", ""),
    )


@blueprint.post("/webhooks/<install>/<endpoint_id>/<event_id>/send")
def send_webhook_again(install: str, endpoint_id: str, event_id: str) -> Response:
    """Send an event to its endpoint once more, with the id that it had before.

    Raises Forbidden, NotFound, StoreUnavailable.
    """
    user = current_user()
    name = _checked(user, install, endpoint_id, event_id)
    context().outbox.mark(name)
    try:
        context().webhook_tries.begin_again(str(name))
        context().dispatcher.webhook(str(name))
    except Unavailable:
        pass  # it is marked: the sweeper finds it
    return redirect(url_for("webhook_pages.webhooks", install=install, sent=event_id), 303)


def _rows(installs: list[str]) -> list[Row]:
    rows: list[Row] = []
    for install in installs:
        for known in context().outbox.endpoints.of(install):
            if len(rows) > MAX_ENDPOINTS:
                return rows
            rows.append(Row(known, _tries(known)))
    return rows


def _tries(known: Known) -> list[Try] | None:
    try:
        return context().webhook_tries.latest(known.endpoint.id, TRIES)
    except Unavailable:
        return None


def _checked(user: User, install: str, endpoint_id: str, event_id: str) -> DeliveryName:
    """The delivery's name, of an event and an endpoint of an install of this person's."""
    missing = NotFound("There is no such webhook that you may know of")
    if not user.rights.admits(install):
        raise missing
    if not user.rights.manage_webhooks:
        raise Forbidden("Your account may see webhooks, but not send them again")
    try:
        name = DeliveryName.parse(f"{event_id}-{endpoint_id}")
    except NotStored:
        raise missing from None
    known = context().outbox.endpoints.get(install, endpoint_id)
    event = context().outbox.event(event_id)
    if event.install != install:
        raise missing
    if not known.takes(event.type):
        raise NotFound("This endpoint is disabled, or does not take such events")
    return name
