"""The WSGI application: `gunicorn app:app`, and the `flask` commands."""

from addon.factory import create_app

app = create_app()
