"""Sessions of signed-in people in Redis, and the cookies that name them.

A cookie holds a random text and nothing else; Redis holds its hash, so that neither the database
nor a log of it lets anyone in. A session ends by itself; a permanent link does not.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, cast

import redis
from werkzeug.wrappers import Request, Response

from addon import stored_documents
from addon.errors import UnreadableDocument
from addon.redis_errors import as_unavailable
from addon.redis_keys import SESSION, SIGN_IN
from addon.settings import Settings

SESSION_S = 8 * 3600
"""A working day; whoever opens a link the next morning signs in again."""

SIGN_IN_S = 600
"""Time to type a password and find a second factor."""

KEPT_CLAIMS = (
    *("iss", "sub", "name", "email", "email_verified", "preferred_username"),
    *("roles", "groups", "realm_access"),
)
"""What the policy and the page's corner need; nothing else of a person is kept."""


@dataclass(frozen=True)
class SignIn:
    """A sign-in on its way: what the issuer's answer has to match, and where to go afterwards."""

    browser: str
    nonce: str
    verifier: str
    to: str


class Sessions:
    """Sessions and sign-ins. Every method raises QueueUnavailable where Redis does not answer."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection

    def start(self, claims: Mapping[str, Any]) -> str:
        """A new session; returns the text for its cookie."""
        token = secrets.token_urlsafe(32)
        kept = {name: claims[name] for name in KEPT_CLAIMS if name in claims}
        with as_unavailable():
            self._redis.set(_key(SESSION, token), json.dumps(kept), ex=SESSION_S)
        return token

    def find(self, token: str) -> dict[str, Any] | None:
        """The claims of the person, or None where the session ended or never was."""
        with as_unavailable():
            found = cast("bytes | None", self._redis.get(_key(SESSION, token)))
        return None if found is None else cast("dict[str, Any]", json.loads(found))

    def end(self, token: str) -> None:
        """Sign out."""
        with as_unavailable():
            self._redis.delete(_key(SESSION, token))

    def expect(self, state: str, sign_in: SignIn) -> None:
        """Remember a sign-in until its answer comes."""
        with as_unavailable():
            self._redis.set(_key(SIGN_IN, state), json.dumps(vars(sign_in)), ex=SIGN_IN_S)

    def take(self, state: str, browser: str) -> SignIn | None:
        """The sign-in of this state, once, and only for the browser that began it."""
        with as_unavailable():
            found = cast("bytes | None", self._redis.getdel(_key(SIGN_IN, state)))
        try:
            sign_in = stored_documents.instance(
                SignIn, stored_documents.parse(found or b"{}", "sign-in"), "sign-in"
            )
        except UnreadableDocument:
            return None
        if not secrets.compare_digest(sign_in.browser, hashed(browser)):
            return None
        return sign_in


@dataclass(frozen=True)
class Cookies:
    """Two cookies of a `kind`. `secure` where PUBLIC_URL is https; then bound to this very host."""

    secure: bool
    kind: str = "recordings"

    @classmethod
    def of(cls, settings: Settings, kind: str = "recordings") -> Self:
        """The cookies of a deployment."""
        return cls(secure=settings.public_url.startswith("https:"), kind=kind)

    @property
    def state_prefix(self) -> str:
        """Keeps the sign-ins of other kinds apart from those at the OpenID Connect issuer."""
        return "" if self.kind == "recordings" else f"{self.kind}:"

    def session(self, request: Request) -> str | None:
        """The session's text, as the browser sent it."""
        return request.cookies.get(self._name("session")) or None

    def browser(self, request: Request) -> str | None:
        """The text that binds a sign-in to its browser."""
        return request.cookies.get(self._name("sign-in")) or None

    def remember_session(self, response: Response, token: str) -> None:
        """Sign the browser in."""
        self._set(response, "session", token, SESSION_S)

    def forget_session(self, response: Response) -> None:
        """Sign the browser out."""
        self._set(response, "session", "", 0)

    def remember_browser(self, response: Response, text: str) -> None:
        """Bind the sign-in that begins to this browser."""
        self._set(response, "sign-in", text, SIGN_IN_S)

    def _set(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            self._name(name),
            value,
            max_age=seconds,
            secure=self.secure,
            httponly=True,
            samesite="Lax",
        )

    def _name(self, name: str) -> str:
        # RFC 6265bis 4.1.3.2: a name that a subdomain or a plain http page cannot set.
        return f"__Host-{self.kind}-{name}" if self.secure else f"{self.kind}-{name}"


def hashed(text: str) -> str:
    """SHA-256 in hexadecimal: how every secret text of a browser is kept."""
    return hashlib.sha256(text.encode()).hexdigest()


def _key(prefix: str, text: str) -> str:
    return prefix + hashed(text)
