"""`/api/v1`: recordings, calls and their audio for programs that hold a token (spec/protocol 8).

A token of one install sees that install alone: everything else answers 404, as if it did not exist.
"""

from flask import Blueprint

from addon.web import compression
from addon.web.api import calls, recordings, webhooks
from addon.web.api.access import require_token

__all__ = ["blueprint"]

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
blueprint.before_request(require_token)
compression.apply(blueprint)
recordings.add_to(blueprint)
calls.add_to(blueprint)
webhooks.add_to(blueprint)
