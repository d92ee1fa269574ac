"""Webhook endpoints over the API: create, list, stop and start, remove, change the secret.

A token of one install has that install's endpoints; any other answers 404, as if it did not exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import cast

from flask import Blueprint, Response, jsonify

from addon.errors import InvalidParameter, NotFound, NotStored
from addon.web import schemas
from addon.web.api import parameters
from addon.web.api.access import tenant, token
from addon.web.context import context
from addon.web.openapi.operations import Answer, Operation
from addon.webhooks.changes import EndpointChanges
from addon.webhooks.endpoints import Endpoint, Endpoints, Known
from addon.webhooks.events import TYPES

TAG = "Webhooks"
SECRET = "Its secret is in this answer alone."  # noqa: S105 - a sentence


def add_to(blueprint: Blueprint) -> None:
    """Add these routes."""
    blueprint.get("/webhooks")(list_webhooks)
    blueprint.post("/webhooks")(create_webhook)
    blueprint.get("/webhooks/<endpoint_id>")(describe_webhook)
    blueprint.delete("/webhooks/<endpoint_id>")(remove_webhook)
    blueprint.post("/webhooks/<endpoint_id>/secret")(rotate_webhook_secret)
    blueprint.post("/webhooks/<endpoint_id>/disable")(disable_webhook)
    blueprint.post("/webhooks/<endpoint_id>/enable")(enable_webhook)


@Operation("listWebhooks", TAG, scope="webhooks")
def list_webhooks(*, install: parameters.Install | None = None) -> schemas.Webhooks:
    """List the endpoints of an install, oldest first."""
    if install is None and token().install is None:
        found: Iterable[Known] = _endpoints().all()
    else:
        found = _endpoints().of(tenant(install))
    return {"webhooks": [_document(one) for one in found]}


@Operation(
    "createWebhook",
    TAG,
    {201: Answer(f"The endpoint. {SECRET}", schemas.WebhookWithSecret)},
    scope="webhooks",
    body=schemas.NewWebhook,
)
def create_webhook(document: schemas.NewWebhook) -> Response:
    """Create an endpoint, to which events are sent from now on.

    The operator says in WEBHOOK_HOSTS to which hosts they may be sent. An event is sent as in the
    section `webhooks` of this document.
    """
    try:
        made = _changes().create(
            tenant(document.get("install")),
            document["url"],
            document.get("events", TYPES),
            document.get("label", ""),
        )
    except NotStored:
        raise InvalidParameter("install: no such thing can exist") from None
    return _with_secret(made, 201)


@Operation("getWebhook", TAG, scope="webhooks")
def describe_webhook(
    endpoint_id: parameters.EndpointId, *, install: parameters.Install | None = None
) -> schemas.WebhookWithTries:
    """Describe an endpoint, with the latest tries to deliver to it, newest first.

    Tries are kept for a week, a hundred at most.
    """
    known = _known(endpoint_id, install)
    tries = [asdict(one) for one in context().webhook_tries.latest(endpoint_id)]
    return cast(schemas.WebhookWithTries, {**_document(known), "tries": tries})


@Operation("removeWebhook", TAG, {204: Answer("Gone, with its secret.")}, scope="webhooks")
def remove_webhook(
    endpoint_id: parameters.EndpointId, *, install: parameters.Install | None = None
) -> Response:
    """Remove an endpoint; what it has not taken yet is not sent."""
    _changes().remove(_known(endpoint_id, install).endpoint)
    return Response(status=204)


@Operation(
    "rotateWebhookSecret",
    TAG,
    {200: Answer(f"The endpoint. {SECRET}", schemas.WebhookWithSecret)},
    scope="webhooks",
)
def rotate_webhook_secret(
    endpoint_id: parameters.EndpointId, *, install: parameters.Install | None = None
) -> Response:
    """Give an endpoint a new secret; the one before signs as well for a day."""
    made = _endpoints().rotate(_known(endpoint_id, install).endpoint.install, endpoint_id)
    return _with_secret(made, 200)


@Operation("disableWebhook", TAG, scope="webhooks")
def disable_webhook(
    endpoint_id: parameters.EndpointId, *, install: parameters.Install | None = None
) -> schemas.Webhook:
    """Stop an endpoint: nothing is sent to it, also not later."""
    _endpoints().disable(_known(endpoint_id, install).endpoint.install, endpoint_id)
    return _document(_known(endpoint_id, install))


@Operation("enableWebhook", TAG, scope="webhooks")
def enable_webhook(
    endpoint_id: parameters.EndpointId, *, install: parameters.Install | None = None
) -> schemas.Webhook:
    """Let an endpoint that was disabled have events again, from now on."""
    _endpoints().enable(_known(endpoint_id, install).endpoint.install, endpoint_id)
    return _document(_known(endpoint_id, install))


def _endpoints() -> Endpoints:
    return context().outbox.endpoints


def _changes() -> EndpointChanges:
    return EndpointChanges(_endpoints(), context().archive.access_log, f"API token {token().name}")


def _known(endpoint_id: str, install: str | None) -> Known:
    """The endpoint, as far as the token reaches. Raises NotFound, Unauthenticated."""
    own = token().install
    if install is not None and own is not None and install != own:
        raise NotFound("there is no such endpoint")
    named = install or own
    return _endpoints().find(endpoint_id, [named] if named else _endpoints().installs())


def _document(known: Known) -> schemas.Webhook:
    return cast(schemas.Webhook, known.as_document())


def _with_secret(made: Endpoint, status: int) -> Response:
    response = jsonify({**Known(made).as_document(), "secret": made.secret})
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
