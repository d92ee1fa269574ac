"""Builds the Flask application: settings, logs, blueprints and commands, in one short function.

It may import every package, and none imports it.
"""

from __future__ import annotations

from flask import Flask

from addon import error_reports, log, tracing
from addon.commands import is_looked_for, register_commands
from addon.errors import SettingsError
from addon.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The application. Without `settings` they are read from the environment, and a wrong one
    ends the process with a sentence instead of a traceback.

    A `flask` command of this project is found in an application without the web: a supervisor or a
    command would import all of it for nothing.
    """
    if settings is None:
        settings = Settings.load_or_exit("web")
        try:
            error_reports.configure(settings)
        except SettingsError as error:
            raise SystemExit(f"{error.message}. {error.remedy}") from None
    log.configure(settings.log_level)
    tracing.configure("addon-web", settings)
    app = Flask("addon", static_folder=None)
    register_commands(app)
    if not is_looked_for():
        _add_web(app, settings)
    return app


def _add_web(app: Flask, settings: Settings) -> None:
    from addon.web import compression, context, transport_security
    from addon.web.blueprints import direct_routes, register_blueprints

    context.attach(app, settings)
    transport_security.apply(app, settings.public_url)
    compression.configure(app)
    register_blueprints(app)
    app.wsgi_app = direct_routes(app, settings)  # type: ignore[assignment, method-assign]
