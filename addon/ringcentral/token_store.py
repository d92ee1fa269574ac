"""Tokens in Redis, encrypted, each set under the name of the session it belongs to.

A refresh token works once, so one process at a time refreshes a set, and stores the new one before
anyone uses it. A session that was ended meanwhile stays ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

import redis
from redis.exceptions import LockError, RedisError

from addon.errors import RingCentralUnavailable, Unauthenticated
from addon.redis_errors import as_unavailable
from addon.redis_keys import RINGCENTRAL_TOKENS
from addon.ringcentral.oauth import Tokens
from addon.vault import Vault

EARLY_S = 60
"""A token that ends within this time is renewed before it is used: a request takes a while."""

LOCK_S = 20
"""Longer than a token request may take (oauth.TOKEN_TIMEOUTS): the lock outlives it."""

WAIT_S = 10
"""The longest wait for another process' renewal; a person waits as well."""

ENDED = "Your RingCentral session has ended"


class TokenStore:
    """Sets of tokens by name. Every method raises QueueUnavailable where Redis does not answer."""

    def __init__(
        self, connection: redis.Redis, vault: Vault, clock: Callable[[], float] = time.time
    ) -> None:
        self._redis = connection
        self._vault = vault
        self._clock = clock

    def keep(self, name: str, tokens: Tokens, life_s: int) -> None:
        """Store a set for at most `life_s` seconds, in place of any other."""
        self._set(name, tokens, ex=life_s)

    def find(self, name: str) -> Tokens | None:
        """The set as it is, or None where it ended, or its encryption secret is gone."""
        with as_unavailable():
            sealed = cast("bytes | None", self._redis.get(_key(name)))
        return self._vault.decrypt(Tokens, sealed, name)

    def end(self, name: str) -> None:
        """Delete a set."""
        with as_unavailable():
            self._redis.delete(_key(name))

    def fresh(
        self,
        name: str,
        renew: Callable[[Tokens | None], Tokens],
        *,
        life_s: int | None = None,
    ) -> Tokens:
        """A set that holds for a minute at least, renewed where it has to be.

        With `life_s` a set that is missing is made, too; without, it has ended: Unauthenticated.
        Raises what `renew` raises, RingCentralUnavailable where another's renewal takes too long.
        """
        found = self.find(name)
        if found and self._holds(found):
            return found
        with self._locked(name):
            found = self.find(name)
            if found and self._holds(found):
                return found
            if found is None and life_s is None:
                raise Unauthenticated(ENDED)
            return self._renewed(name, found, renew, life_s)

    def _renewed(
        self,
        name: str,
        found: Tokens | None,
        renew: Callable[[Tokens | None], Tokens],
        life_s: int | None,
    ) -> Tokens:
        try:
            tokens = renew(found)
        except Unauthenticated:
            self.end(name)
            raise
        if life_s is not None:
            self.keep(name, tokens, life_s)
        elif not self._set(name, tokens, xx=True, keepttl=True):  # its end stays where it was
            raise Unauthenticated(ENDED)
        return tokens

    def _set(self, name: str, tokens: Tokens, **how: Any) -> bool:
        sealed = self._vault.encrypt(tokens, name)
        with as_unavailable():
            return bool(self._redis.set(_key(name), sealed, **how))

    def _holds(self, tokens: Tokens) -> bool:
        return tokens.expires_at - EARLY_S > self._clock()

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        lock = self._redis.lock(
            f"{_key(name)}:lock", timeout=LOCK_S, sleep=0.05, blocking_timeout=WAIT_S
        )
        with as_unavailable():
            taken = lock.acquire()
        if not taken:
            raise RingCentralUnavailable("RingCentral takes long to renew a session", retry_after=5)
        try:
            yield
        finally:
            with suppress(LockError, RedisError):
                lock.release()


def _key(name: str) -> str:
    return RINGCENTRAL_TOKENS + name
