"""Sessions of signed-in people in Redis, encrypted; only the browser's cookie names one.

A cookie holds a random text and nothing else. Redis holds the session under the text's hash,
encrypted and authenticated with a key that Redis does not hold, and bound to that hash and to the
issuer: whoever reads Redis reads no claims, and whoever writes to it signs nobody in. A session
ends by itself, at signing out, by `flask sessions end`, with Redis, and when the issuer changes.
That it was ended is noted in the store: whoever puts it back into Redis brings nobody back.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self, cast

import redis

from addon.archive.store import Store
from addon.playback.policy import LOCAL_ISSUER
from addon.redis_errors import as_unavailable, ignoring_wrong_type
from addon.redis_keys import SESSION
from addon.settings import Settings
from addon.stored_documents import StoredDocument
from addon.vault import Vault
from addon.web.ended_sessions import EndedSessions

SESSION_S = 8 * 3600
"""A working day; whoever opens a link the next morning signs in again."""

KEPT_CLAIMS = (
    *("iss", "sub", "name", "email", "email_verified", "preferred_username"),
    *("roles", "groups", "realm_access"),
)
"""What the policy and the page's corner need; nothing else of a person is kept."""

NAME_LENGTH = 12
"""Of a cookie's hash: enough to tell sessions apart, too few to find any cookie with."""

SCANNED = 1000
"""Keys that Redis looks at for each step of a list, a millisecond of its time."""


@dataclass(frozen=True)
class Session(StoredDocument):
    """A signed-in person: the claims that are kept, and from when to when.

    `id_token` is the hint by which the issuer ends its own session (`sign_outs`).
    """

    KIND: ClassVar[str] = "session"
    MOMENTS: ClassVar[tuple[str, ...]] = ("started_at", "ends_at")

    claims: dict[str, Any]
    started_at: datetime
    ends_at: datetime
    id_token: str | None = None

    @property
    def user(self) -> str:
        """A name of the person for the page's corner and for lists."""
        for claim in ("email", "preferred_username", "name", "sub"):
            if isinstance(self.claims.get(claim), str):
                return str(self.claims[claim])
        return "unknown"

    def is_of(self, user: str) -> bool:
        """True where `user` is the person's address, user name or id at the issuer."""
        names = (self.claims.get(name) for name in ("email", "preferred_username", "sub"))
        return user.casefold() in {str(name).casefold() for name in names if name}


class Sessions:
    """The sessions of one issuer. Every method raises QueueUnavailable without Redis.

    Those that find or end one raise StoreUnavailable too; what is ended is ended in Redis by then.
    """

    def __init__(
        self,
        connection: redis.Redis,
        vault: Vault,
        issuer: str,
        ended: EndedSessions,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._redis = connection
        self._vault = vault
        self._issuer = issuer
        self._ended = ended
        self._now = now

    @classmethod
    def from_settings(cls, settings: Settings, connection: redis.Redis, store: Store) -> Self:
        """The sessions of a deployment. Raises SettingsError without PLAYBACK_SECRETS."""
        vault = Vault(settings.playback_secrets, "sessions")
        ended = EndedSessions.from_settings(settings, store)
        return cls(connection, vault, settings.oidc_issuer or LOCAL_ISSUER, ended)

    def start(self, claims: Mapping[str, Any], id_token: str | None = None) -> str:
        """A new session; returns the text for its cookie."""
        token, now = secrets.token_urlsafe(32), self._now()
        kept = {name: claims[name] for name in KEPT_CLAIMS if name in claims}
        session = Session(kept, now, now + timedelta(seconds=SESSION_S), id_token)
        key = SESSION + hashed(token)
        with as_unavailable():
            self._redis.set(key, self._vault.encrypt(session, self._bound(key)), ex=SESSION_S)
        return token

    def find(self, token: str) -> Session | None:
        """The session, or None where it ended, never was, or is not one that we wrote."""
        return self._read(SESSION + hashed(token))

    def end(self, token: str) -> None:
        """Sign out."""
        self._delete(SESSION + hashed(token))

    def all(self) -> Iterator[tuple[str, Session]]:
        """Every session of this issuer with its name, in no particular order."""
        for key in self._keys(""):
            session = self._read(key)
            if session is not None:
                yield _name(key), session

    def end_named(self, name: str) -> int:
        """End every session whose name begins with `name`; gives their number."""
        return self._delete(*self._keys(name)) if name.isalnum() else 0

    def end_user(self, user: str) -> int:
        """End every session of a person; gives their number."""
        found = ((key, self._read(key)) for key in self._keys(""))
        return self._delete(*(key for key, session in found if session and session.is_of(user)))

    def end_all(self) -> int:
        """End every session, also those of another issuer; gives their number."""
        return self._delete(*self._keys(""))

    def _read(self, key: str) -> Session | None:
        with as_unavailable():
            sealed = _bytes_at(self._redis, key)
        session = self._vault.decrypt(Session, sealed, self._bound(key))
        # The end is in the session as well: one that was put back into Redis ends all the same.
        if session is None or session.ends_at <= self._now() or self._ended.has(_digest(key)):
            return None
        return session

    def _keys(self, beginning: str) -> list[str]:
        with as_unavailable():
            found = self._redis.scan_iter(match=f"{SESSION}{beginning}*", count=SCANNED)
            return sorted({key.decode("utf-8", "replace") for key in found})

    def _delete(self, *keys: str) -> int:
        with as_unavailable():
            number = self._redis.delete(*keys) if keys else 0
        for digest in filter(str.isalnum, map(_digest, keys)):
            self._ended.note(digest)
        return number

    def _bound(self, key: str) -> str:
        return f"{self._issuer}\n{key}"


def hashed(text: str) -> str:
    """SHA-256 in hexadecimal: how every secret text of a browser is kept."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _digest(key: str) -> str:
    return key.removeprefix(SESSION)


def _name(key: str) -> str:
    return _digest(key)[:NAME_LENGTH]


def _bytes_at(connection: redis.Redis, key: str) -> bytes | None:
    """The string under a key; None where there is none, or something that is no string."""
    with ignoring_wrong_type():
        return cast("bytes | None", connection.get(key))
    return None
