"""All blueprints, and what holds for every answer whatever its surface."""

from __future__ import annotations

from flask import Flask

from addon.web import invocations, login, media, ops, pages, problems


def register_surfaces(app: Flask) -> None:
    """Add every surface to an app."""
    for surface in (invocations, media, login, pages, ops):
        app.register_blueprint(surface.blueprint)
    problems.register(app)
