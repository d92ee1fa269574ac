"""All blueprints, and what holds for every answer whatever its surface."""

from __future__ import annotations

from flask import Flask

from addon.web import (
    api,
    docs,
    flex,
    flex_recordings,
    invocations,
    limits,
    login,
    media,
    openapi,
    ops,
    pages,
    problems,
    ringcentral,
    ringcentral_webhook,
)
from addon.web.context import EXTENSION

SURFACES = (
    *(invocations, flex_recordings, media, flex, api, openapi, login, pages, docs, ops),
    *(ringcentral, ringcentral_webhook),
)


def register_surfaces(app: Flask) -> None:
    """Add every surface to an app."""
    for surface in SURFACES:
        app.register_blueprint(surface.blueprint)
    problems.register(app)
    limited = (api.blueprint, flex.blueprint, login.blueprint)
    limits.apply(app, app.extensions[EXTENSION], limited)
