"""Signing out at the issuer too, offered to whoever has just signed out here.

The session here has ended by then. What the issuer needs to end its own lies for ten minutes in
the browser, encrypted in a cookie (OpenID Connect RP-Initiated Logout 1.0).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import ClassVar, Literal

from flask import request
from werkzeug.wrappers import Response

from addon.errors import Unavailable
from addon.stored_documents import StoredDocument
from addon.web.context import context
from addon.web.cookies import Cookies
from addon.web.oidc import MAX_HINT, Identity, fresh_text
from addon.web.sessions import Session

Outcome = Literal["possible", "impossible", "unknown", "ended"]
"""Of the issuer's session: it can be ended, the issuer has no way to, it did not answer, or it has
sent the browser back from ending it."""


@dataclass(frozen=True)
class SignOut(StoredDocument):
    """An offer to sign out at the issuer: the hint whose session it is, and our state."""

    KIND: ClassVar[str] = "sign-out"

    state: str
    id_token: str | None


def hint_of(identity: Identity) -> str | None:
    """The ID token, where it is short enough to be kept."""
    return identity.id_token if len(identity.id_token) <= MAX_HINT else None


def offer(cookies: Cookies, response: Response, session: Session) -> None:
    """Let the browser sign out at the issuer as well."""
    sign_out = SignOut(fresh_text(), session.id_token)
    value = context().cookie_vault.encrypt_text(sign_out, _bound())
    cookies.remember_sign_out(response, value)


def offered(cookies: Cookies) -> SignOut | None:
    """The offer that this browser holds; None where nobody has just signed out in it."""
    if context().provider is None or not (kept := cookies.sign_out(request)):
        return None
    return context().cookie_vault.decrypt_text(SignOut, kept, _bound())


def url(sign_out: SignOut) -> str | None:
    """The issuer's page that ends its session; None where it has none. Raises Unavailable."""
    provider = context().provider
    if provider is None:
        return None
    back = f"{context().settings.public_url}/signed-out"
    return provider.sign_out_url(id_token=sign_out.id_token, state=sign_out.state, back=back)


def outcome(sign_out: SignOut) -> Outcome:
    """The state of the issuer's session, as far as it can be told."""
    if secrets.compare_digest(request.args.get("state", "").encode(), sign_out.state.encode()):
        return "ended"
    try:
        return "possible" if url(sign_out) else "impossible"
    except Unavailable:
        return "unknown"


def _bound() -> str:
    return f"sign-out\n{context().settings.oidc_issuer}"
