"""What operators ask: is it alive, is it ready. Answers carry no secret and no personal data."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from redis.exceptions import RedisError

from addon.errors import AddonError
from addon.web.context import context

PROBE_KEY = "requests/readiness-probe"
"""An object that never exists: asking for it proves that the store answers."""

blueprint = Blueprint("ops", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """200 while the process answers at all."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """200 when invocations can be accepted; 503 says what does not answer."""
    missing = [name for name, works in (("queue", _redis), ("store", _store)) if not works()]
    return jsonify(status="ready" if not missing else "waiting", missing=missing), (
        503 if missing else 200
    )


def _redis() -> bool:
    try:
        return bool(context().redis.ping())
    except RedisError:
        return False


def _store() -> bool:
    try:
        context().store.stat(PROBE_KEY)
    except AddonError:
        return False
    return True
