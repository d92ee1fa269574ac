"""Notifications of RingCentral: hints at conversations to look up (spec/protocol 7.5).

There is no signature, only a shared token, so nothing in a notification is taken for true. It only
names a call whose recordings may appear in the call log soon.
"""

from __future__ import annotations

import hmac
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import redis

from addon.redis_errors import as_unavailable
from addon.redis_keys import RINGCENTRAL_SUBSCRIBING, RINGCENTRAL_WATCHED

HANDSHAKE_HEADER = "Validation-Token"
DELIVERY_HEADERS = ("Verification-Token", HANDSHAKE_HEADER)
"""RingCentral's documents spell it both ways; either is taken (spec/protocol 7.5)."""

MAX_TOKEN_LENGTH = 1024
MAX_BODY = 256 * 1024
"""A notification about a conference with many parties has some ten kilobytes."""

PENDING_S = 60
"""A subscription is created within seconds; only meanwhile a stranger's handshake would be
answered as well."""

WATCH_S = 15 * 60
"""Recordings may appear in the call log this long after a call (spec/protocol 7.2)."""

ENDED = "Disconnected"

MAX_WATCHED = 10_000
"""Calls watched at a time; beyond that the regular looks at the call log find them."""

_VISIBLE = re.compile(r"[!-~]{1,1024}", re.ASCII)
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def handshake(headers: Mapping[str, str], *, has_body: bool) -> str | None:
    """The text to be echoed, where this is a handshake and its text fits a header."""
    text = headers.get(HANDSHAKE_HEADER, "")
    return text if not has_body and _VISIBLE.fullmatch(text) else None


def is_genuine(headers: Mapping[str, str], expected: str | None) -> bool:
    """True for a notification with our token under either name; compared in constant time."""
    if not expected:
        return False
    own = expected.encode()
    shown = (headers.get(name, "")[:MAX_TOKEN_LENGTH].encode() for name in DELIVERY_HEADERS)
    return any(hmac.compare_digest(text, own) for text in shown)


def ended_call(body: bytes) -> str | None:
    """The telephony session in which somebody hung up, None where a notification names none.

    It may go on with others, after a transfer. The call log knows whether anything was recorded.
    """
    try:
        told: Any = json.loads(body)["body"]
        session, parties = told["telephonySessionId"], told["parties"]
        ended = any(party["status"]["code"] == ENDED for party in parties)
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    named = isinstance(session, str) and _SESSION.fullmatch(session)
    return session if named and ended else None


class Notifications:
    """Calls to look up, in Redis. Every method raises QueueUnavailable where it does not answer."""

    def __init__(self, connection: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis = connection
        self._clock = clock

    @contextmanager
    def expected_handshake(self) -> Iterator[None]:
        """Answer handshakes inside the `with` block: a subscription is being created."""
        with as_unavailable():
            self._redis.set(RINGCENTRAL_SUBSCRIBING, b"1", ex=PENDING_S)
        try:
            yield
        finally:
            with as_unavailable():
                self._redis.delete(RINGCENTRAL_SUBSCRIBING)

    def expects_handshake(self) -> bool:
        """True while a subscription is being created."""
        with as_unavailable():
            return bool(self._redis.exists(RINGCENTRAL_SUBSCRIBING))

    def watch(self, call: str) -> None:
        """Look for this call's recordings from now on, for as long as any may appear."""
        with as_unavailable(), self._redis.pipeline() as pipe:
            pipe.zadd(RINGCENTRAL_WATCHED, {call: self._clock() + WATCH_S})
            pipe.zremrangebyrank(RINGCENTRAL_WATCHED, 0, -MAX_WATCHED - 1)
            pipe.expire(RINGCENTRAL_WATCHED, WATCH_S)
            pipe.execute()

    def watched(self) -> list[str]:
        """The calls to look for, the one whose time ends first in front."""
        with as_unavailable():
            self._redis.zremrangebyscore(RINGCENTRAL_WATCHED, "-inf", self._clock())
            found = cast("list[bytes]", self._redis.zrange(RINGCENTRAL_WATCHED, 0, -1))
        return [call.decode() for call in found]
