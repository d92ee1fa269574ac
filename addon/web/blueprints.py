"""The list of all blueprints and direct routes, and their registration with an app."""

from __future__ import annotations

from functools import partial

from flask import Flask

from addon.settings import Settings
from addon.web import (
    api,
    docs,
    flex,
    flex_recordings,
    invocations,
    limits,
    lists,
    login,
    media,
    openapi,
    ops,
    overview,
    page_responses,
    pages,
    ringcentral,
    ringcentral_webhook,
    signed,
    transport_security,
    webhook_pages,
)
from addon.web.connections.turns import Grouped
from addon.web.context import EXTENSION
from addon.web.direct_routes import DirectRoutes

BLUEPRINTS = (
    *(invocations, flex_recordings, media, flex, api, openapi, login, lists, overview),
    *(pages, docs, ops, ringcentral, ringcentral_webhook, webhook_pages),
)


def register_blueprints(app: Flask) -> None:
    """Add every blueprint, the error handlers and the limits to an app."""
    for module in BLUEPRINTS:
        app.register_blueprint(module.blueprint)
    page_responses.apply_to_rest(app)
    limited = {
        api.blueprint: api.access.valid_caller,
        flex.blueprint: flex.valid_caller,
        login.blueprint: limits.nobody,
    }
    limits.apply(app, app.extensions[EXTENSION], limited)


def direct_routes(app: Flask, settings: Settings) -> DirectRoutes:
    """The WSGI application of an app, with what is answered before Flask."""
    headers = transport_security.headers(settings.public_url)
    views = {"media": media.direct, "recording-analysis": invocations.direct}
    # A bucket is asked by many threads at once: it takes longer for one object than a disk for ten.
    in_folder = settings.archive_url.startswith("file:")
    grouped = Grouped()
    if in_folder and signed.enforced(settings):
        gather_s = partial(invocations.gather_s, app.extensions[EXTENSION])
        grouped = Grouped(frozenset(invocations.PATHS), gather_s)
    return DirectRoutes(app, views, headers, grouped)
