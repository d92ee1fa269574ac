"""Builds the Flask application: settings, logs, blueprints and commands, in one short function.

It may import every package, and none imports it.
"""

from __future__ import annotations

from flask import Flask

from addon import error_reports, log, tracing
from addon.commands import register_commands
from addon.errors import SettingsError
from addon.settings import Settings
from addon.web import compression, context, transport_security
from addon.web.blueprints import direct_routes, register_blueprints


def create_app(settings: Settings | None = None) -> Flask:
    """The application. Without `settings` they are read from the environment, and a wrong one
    ends the process with a sentence instead of a traceback.
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
    context.attach(app, settings)
    transport_security.apply(app, settings.public_url)
    compression.configure(app)
    register_blueprints(app)
    app.wsgi_app = direct_routes(app, settings)  # type: ignore[assignment, method-assign]
    register_commands(app)
    return app
