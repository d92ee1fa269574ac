"""`/openapi.json`: what the API takes and answers."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("openapi", __name__)
