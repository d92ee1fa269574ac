"""Limits on the requests of one caller, counted in Redis for all processes together.

Where Redis does not answer each process counts for itself: the API goes on, with limits that are
as many times wider as there are processes. Keys hold hashes, never a token. Links to audio are not
counted: a player may jump about as it likes, and a forged one costs a hash (decision 0504).
"""

from __future__ import annotations

import hashlib

from flask import Blueprint, Flask, request
from flask_limiter import Limiter
from flask_limiter.constants import HeaderNames

from addon.web.access_log import client_address
from addon.web.context import Context

PER_CALLER = "600 per minute"
"""Ten a second: a page of fifty recordings and their peaks, or a player that jumps about."""

REFUSALS = "60 per minute"
"""Wrong tokens from one address: a person's mistakes, but no flood of guesses."""

HEADERS = {
    HeaderNames.LIMIT: "X-RateLimit-Limit",
    HeaderNames.REMAINING: "X-RateLimit-Remaining",
    HeaderNames.RESET: "X-RateLimit-Reset",
    HeaderNames.RETRY_AFTER: "Retry-After",
}


def apply(app: Flask, context: Context, blueprints: tuple[Blueprint, ...]) -> None:
    """Count the requests to these blueprints; nothing is contacted yet."""
    limiter = Limiter(
        _caller,
        storage_uri="redis://",
        storage_options={"connection_pool": context.redis.connection_pool},  # type: ignore[dict-item]
        in_memory_fallback_enabled=True,
        swallow_errors=True,  # a count that fails after the answer was made must not undo it
        headers_enabled=True,
        header_name_mapping=HEADERS,
        retry_after="delta-seconds",
    )
    for blueprint in blueprints:
        limiter.limit(PER_CALLER)(blueprint)
        limiter.limit(REFUSALS, key_func=client_address, deduct_when=_refused)(blueprint)
    limiter.init_app(app)


def _caller() -> str:
    """The token that is shown, whether it is valid or not, else the address."""
    shown = request.headers.get("Authorization")
    if not shown:
        return client_address()
    return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()[:32]


def _refused(response: object) -> bool:
    return getattr(response, "status_code", 200) in (401, 403)
