"""Limits on the requests of one caller, counted in Redis for all processes together.

A caller is who shows a valid token; everybody else is their network. So wrong tokens are never
counted against right ones, however many come from the same address. Where Redis does not answer
each process counts for itself: the API goes on, with limits that are as many times wider as there
are processes. Links to audio are not counted: a player may jump about as it likes, and a forged
one costs a hash (decision 0504).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Flask, request
from flask_limiter import Limiter
from flask_limiter.constants import HeaderNames

from addon.web.connections.addresses import client_of, network_of
from addon.web.context import Context, context

PER_CALLER = "600 per minute"
"""Ten a second: a page of fifty recordings and their peaks, or a player that jumps about."""

REFUSALS = "60 per minute"
"""Wrong tokens from one network: a person's mistakes, but no flood of guesses."""

NETWORK_DIGITS = 4
"""Hexadecimal digits that name a network: Redis counts for 65,536 at most, however many a stranger
has. Networks that share a name share a limit; a secret decides which do, so nobody can seek one."""

HEADERS = {
    HeaderNames.LIMIT: "X-RateLimit-Limit",
    HeaderNames.REMAINING: "X-RateLimit-Remaining",
    HeaderNames.RESET: "X-RateLimit-Reset",
    HeaderNames.RETRY_AFTER: "Retry-After",
}

ValidCaller = Callable[[], str | None]
"""Gives the name of the valid token that a request shows, or None."""


def apply(app: Flask, context: Context, callers: Mapping[Blueprint, ValidCaller]) -> None:
    """Count the requests to these blueprints; nothing is contacted yet."""
    limiter = Limiter(
        _network,
        storage_uri="redis://",
        storage_options={"connection_pool": context.redis.connection_pool},  # type: ignore[dict-item]
        in_memory_fallback_enabled=True,
        swallow_errors=True,  # a count that fails after the answer was made must not undo it
        headers_enabled=True,
        header_name_mapping=HEADERS,
        retry_after="delta-seconds",
    )
    for blueprint, valid_caller in callers.items():
        # shared: counted for the whole blueprint, not for each of its routes
        limiter.shared_limit(PER_CALLER, blueprint.name, key_func=partial(_caller, valid_caller))(
            blueprint
        )
        limiter.shared_limit(
            REFUSALS,
            f"{blueprint.name}-refusals",
            key_func=_network,
            exempt_when=partial(_is_valid, valid_caller),
            deduct_when=_refused,
        )(blueprint)
    limiter.init_app(app)
    _hook_to(app, callers)


def _hook_to(app: Flask, blueprints: Iterable[Blueprint]) -> None:
    """Run the limiter's hooks for these blueprints alone: it costs each request of the others, as
    an invocation, as much as Flask itself."""
    tables: tuple[Any, ...] = (
        app.before_request_funcs,
        app.after_request_funcs,
        app.teardown_request_funcs,
    )
    for hooks in tables:
        own = [hook for hook in hooks[None] if _is_of_limiter(hook)]
        hooks[None] = [hook for hook in hooks[None] if hook not in own]
        for blueprint in blueprints:
            hooks[blueprint.name][:0] = own


def _is_of_limiter(hook: Any) -> bool:
    method = hook.args[0] if isinstance(hook, partial) else getattr(hook, "__self__", None)
    return isinstance(method, Limiter)


def nobody() -> None:
    """The caller of pages that no token opens."""


def _caller(valid_caller: ValidCaller) -> str:
    name = valid_caller()
    return f"token-{name}" if name else _network()


def _is_valid(valid_caller: ValidCaller) -> bool:
    return valid_caller() is not None


def _network() -> str:
    """A name for the caller's network, without the address."""
    settings = context().settings
    forwarded = request.headers.get("X-Forwarded-For", "")
    peer = request.remote_addr or "unknown"
    network = network_of(client_of(peer, forwarded, settings.trusted_proxies or 0))
    secret = "".join(settings.playback_secrets[:1]).encode()
    name = hmac.digest(secret, b"network\n" + network.encode("utf-8", "replace"), "sha256")
    return f"network-{name.hex()[:NETWORK_DIGITS]}"


def _refused(response: object) -> bool:
    return getattr(response, "status_code", 200) in (401, 403)
