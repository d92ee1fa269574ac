"""RingCentral's OAuth: the authorization code flow with PKCE, refresh, and JWT (spec/protocol 7.3).

A client with a secret proves itself by Basic and PKCE together, one without by PKCE alone. Tokens
are asked for at the platform and nowhere else, and no redirect is followed on the way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from addon.errors import RingCentralUnavailable, Unauthenticated
from addon.outbound import Credentials, Outbound, Response, Timeouts, errors_as
from addon.ringcentral.hosts import Hosts
from addon.ringcentral.limits import pause_of
from addon.stored_documents import StoredDocument

AUTHORIZE = "/restapi/oauth/authorize"
TOKEN = "/restapi/oauth/token"  # noqa: S105 - a path
REVOKE = "/restapi/oauth/revoke"

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

TOKEN_TIMEOUTS = Timeouts(connect=3, read=5, total=8)
"""A person waits for it, and a lock is held meanwhile."""

MAX_ANSWER = 64 * 1024
"""A token answer has one or two kilobytes."""

DEFAULT_LIFE_S = 600
"""The shortest life RingCentral gives (spec/protocol 7.3), where an answer does not say one."""


@dataclass(frozen=True)
class Tokens(StoredDocument):
    """Tokens of one sign-in, kept in the vault alone; `expires_at` is in Unix seconds."""

    KIND = "RingCentral tokens"

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    expires_at: float
    owner: str

    @classmethod
    def of_answer(cls, document: Mapping[str, Any], now: float) -> Self:
        """From a token answer. Raises RingCentralUnavailable where it holds no bearer token."""
        access, kind = document.get("access_token"), document.get("token_type")
        if not isinstance(access, str) or not access or str(kind).lower() != "bearer":
            raise RingCentralUnavailable("RingCentral's token answer holds no token")
        refresh, life = document.get("refresh_token"), document.get("expires_in")
        seconds = life if isinstance(life, int | float) and life > 0 else DEFAULT_LIFE_S
        return cls(
            access=access,
            refresh=refresh if isinstance(refresh, str) and refresh else None,
            expires_at=now + seconds,
            owner=str(document.get("owner_id") or "unknown")[:64],
        )


class OAuth:
    """One app at RingCentral."""

    def __init__(
        self,
        hosts: Hosts,
        outbound: Outbound,
        *,
        client_id: str,
        client_secret: str | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hosts = hosts
        self._outbound = outbound
        self._client_id = client_id
        self._secret = client_secret
        self._clock = clock

    def sign_in_url(self, *, redirect_uri: str, state: str, verifier: str) -> str:
        """The address to send the browser to."""
        return self._hosts.url(
            AUTHORIZE,
            {
                "response_type": "code",
                "client_id": self._client_id,
                "redirect_uri": redirect_uri,
                "state": state,
                "code_challenge": create_s256_code_challenge(verifier),
                "code_challenge_method": "S256",
            },
        )

    def exchange(self, *, code: str, redirect_uri: str, verifier: str) -> Tokens:
        """Tokens for a code. Raises Unauthenticated, RingCentralUnavailable."""
        return self._tokens(
            grant_type="authorization_code",
            code=code,
            redirect_uri=redirect_uri,
            code_verifier=verifier,
        )

    def refresh(self, tokens: Tokens) -> Tokens:
        """New tokens; the refresh token given is of no use afterwards. Raises as `exchange`."""
        if tokens.refresh is None:
            raise Unauthenticated("Your RingCentral session has ended")
        return self._tokens(grant_type="refresh_token", refresh_token=tokens.refresh)

    def with_jwt(self, jwt: str) -> Tokens:
        """Tokens of the service account that a JWT stands for. Raises as `exchange`."""
        return self._tokens(grant_type=JWT_GRANT, assertion=jwt)

    def revoke(self, tokens: Tokens) -> None:
        """End the tokens at RingCentral. Raises RingCentralUnavailable."""
        self._post(REVOKE, {"token": tokens.refresh or tokens.access})

    def _tokens(self, **form: str) -> Tokens:
        asked_at = self._clock()
        return Tokens.of_answer(self._post(TOKEN, form), asked_at)

    def _post(self, path: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        # RFC 6749 2.3.1: a client without a secret names itself in the form.
        own = {} if self._secret else {"client_id": self._client_id}
        with (
            errors_as(RingCentralUnavailable, RingCentralUnavailable),
            self._outbound.open(
                "POST",
                self._hosts.url(path),
                headers={
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Accept": "application/json",
                },
                body=urlencode({**form, **own}).encode(),
                credentials=Credentials(self._client_id, self._secret) if self._secret else None,
                redirects=0,
                timeouts=TOKEN_TIMEOUTS,
            ) as response,
        ):
            return _document(response)


def _document(response: Response) -> Mapping[str, Any]:
    if response.status in (400, 401, 403):
        raise Unauthenticated("RingCentral did not accept the sign-in, or has ended it")
    document = response.document(MAX_ANSWER) if response.status == 200 else None
    if document is None:
        raise RingCentralUnavailable(
            f"RingCentral answered {response.status} without a token",
            retry_after=pause_of(response),
        )
    return document
