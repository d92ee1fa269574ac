"""Validates Flex tokens at Twilio's IAM and gives their owner (spec/protocol 6.1, 6.2).

An accepted token is remembered for a minute at most; everything else is asked every time. Without a
clear answer a token is refused. No token is stored, logged or named in an error.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from addon.bounded_cache import BoundedCache
from addon.errors import Forbidden, TwilioUnavailable, Unauthenticated
from addon.outbound import Timeouts
from addon.twilio.moments import parse_moment
from addon.twilio.rest import Rest

CACHE_SECONDS = 60.0
"""The longest that a revoked token is still accepted (spec/protocol 6.1)."""

SKEW_SECONDS = 30.0
"""How far IAM's clock and ours may be apart."""

CACHE_ENTRIES = 10_000
"""One per listener of the last minute; a flood of tokens must not fill the memory."""

NO_VERDICT = frozenset({401, 403, 408})
"""4xx that say nothing of the token: our own credentials are refused, or the request was slow."""

MAX_TOKEN_LENGTH = 8192
"""A Flex token has about a thousand letters."""

IAM_TIMEOUTS = Timeouts(connect=2, read=3, total=5)
"""A listener waits for this answer."""


@dataclass(frozen=True)
class FlexUser:
    """A validated token's owner."""

    identity: str
    roles: frozenset[str]
    worker_sid: str | None = None
    realm_user_id: str | None = None

    def require_role(self, allowed: Collection[str]) -> None:
        """Raises Forbidden where no role of the user's is allowed."""
        if self.roles.isdisjoint(allowed):
            raise Forbidden("none of the user's roles may listen to recordings")


class FlexTokens:
    """Asks IAM whose a token is. Safe to share between threads; `clock` gives epoch seconds."""

    def __init__(self, rest: Rest, *, clock: Callable[[], float] = time.time) -> None:
        self._rest = rest
        self._clock = clock
        self._known: BoundedCache[bytes, FlexUser] = BoundedCache(
            CACHE_ENTRIES, seconds=CACHE_SECONDS, clock=clock
        )

    def validate(self, token: str) -> FlexUser:
        """The token's owner. Raises Unauthenticated, or TwilioUnavailable where IAM cannot tell."""
        if not 0 < len(token) <= MAX_TOKEN_LENGTH or not token.isascii() or not token.isprintable():
            raise Unauthenticated("the Flex token is malformed")
        key = _digest(token)
        known = self._known.get(key)
        if known:
            return known
        answer = self._ask(token)
        return self._known.put(key, _user(answer), until=_valid_until(answer, self._clock()))

    def is_known(self, token: str) -> bool:
        """True where IAM has accepted the token within the last minute; nobody is asked."""
        return self._known.get(_digest(token)) is not None

    def _ask(self, token: str) -> Mapping[str, Any]:
        account = self._rest.api.account_sid
        reply = self._rest.call(
            "POST",
            self._rest.api.url("iam", f"/v1/Accounts/{account}/Tokens/validate"),
            document={"token": token},
            headers={"Cache-Control": "no-cache"},
            timeouts=IAM_TIMEOUTS,
        )
        valid = reply.document.get("valid")
        refused = valid is None and 400 <= reply.status < 500 and reply.status not in NO_VERDICT
        if valid is False or refused:
            raise Unauthenticated("Twilio does not accept the Flex token")
        if reply.status != 200 or valid is not True:
            raise TwilioUnavailable(f"the token service answered {reply.status} without a verdict")
        return reply.document


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def token_of(authorization: str | None) -> str:
    """The token in the player's header: Basic, user name `token` (spec/protocol 6.2).

    Raises Unauthenticated.
    """
    scheme, _, encoded = (authorization or "").partition(" ")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        decoded = ""
    name, colon, token = decoded.partition(":")
    if scheme.lower() != "basic" or name != "token" or not colon or not token:
        raise Unauthenticated("a Flex token is needed")
    return token


def _user(answer: Mapping[str, Any]) -> FlexUser:
    roles = answer.get("roles")
    return FlexUser(
        identity=str(answer.get("identity") or ""),
        roles=frozenset(map(str, roles)) if isinstance(roles, list) else frozenset(),
        worker_sid=answer.get("worker_sid") or None,
        realm_user_id=answer.get("realm_user_id") or None,
    )


def _valid_until(answer: Mapping[str, Any], now: float) -> float:
    """Epoch seconds; an absent expiration is good for this once, and is not remembered."""
    stated = answer.get("expiration")
    if stated is None:
        return now
    until = parse_moment(str(stated)) or datetime.fromtimestamp(0, UTC)
    if until.timestamp() + SKEW_SECONDS <= now:
        raise Unauthenticated("the Flex token has expired")
    return until.timestamp()
