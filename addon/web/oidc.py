"""OpenID Connect with one issuer: the authorization code flow with PKCE.

Authlib writes the requests and checks the claims; the requests leave through the door that every
other one uses, so that a client secret never follows a redirect. It must never accept a token that
is unsigned, or signed with a secret instead of the issuer's key.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from authlib.common.security import generate_token
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidTokenError, JoseError

from addon import log
from addon.bounded_cache import BoundedCache
from addon.errors import Forbidden, OutboundError, SettingsError, Unavailable
from addon.outbound import Credentials, Origins, Outbound, Timeouts, split
from addon.web import issuer_keys

SCOPE = "openid email profile"
LEEWAY_S = 60
"""Two clocks may differ this much."""

DOCUMENTS_S = 3600
"""How long the issuer's configuration and keys are used before they are asked for again."""

ASK_AGAIN_S = 10
"""The least time between two times that a bad signature makes us ask for them before that."""

MAX_HINT = 2000
"""Longer ID tokens are not kept as a hint for signing out: a cookie has 4 KB. Without one the
issuer asks the person."""

MAX_ANSWER = 512 * 1024
"""Configurations, key sets and tokens are a few kilobytes."""

PATIENCE = Timeouts(connect=3, read=5, total=8)
"""A person waits for it."""

logger = log.get("oidc")


@dataclass(frozen=True)
class Identity:
    """A person whom the issuer vouches for: verified claims, and the ID token they came in."""

    claims: dict[str, Any]
    id_token: str


class Provider:
    """The issuer of OIDC_ISSUER, as one client of it sees it."""

    def __init__(self, issuer: str, client_id: str, client_secret: str | None) -> None:
        if not client_id:
            raise SettingsError("OIDC_CLIENT_ID is not set, but OIDC_ISSUER is")
        self.issuer = issuer
        self._client_id = client_id
        self._secret = client_secret
        self._kept: BoundedCache[str, dict[str, Any]] = BoundedCache(2, seconds=DOCUMENTS_S)
        self._asked_again_at = -math.inf

    def sign_in_url(
        self,
        *,
        redirect_uri: str,
        state: str,
        nonce: str,
        verifier: str,
        prompt: str | None = None,
    ) -> str:
        """The issuer's page to sign in. Raises Unavailable where the issuer does not answer.

        With the `prompt` "login" or "select_account" it asks who it is, also where it knows.
        """
        url: str = prepare_grant_uri(
            self._endpoint("authorization_endpoint"),
            self._client_id,
            "code",
            redirect_uri=redirect_uri,
            scope=SCOPE,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            **({"prompt": prompt} if prompt else {}),
        )
        return url

    def sign_out_url(self, *, id_token: str | None, state: str, back: str) -> str | None:
        """The issuer's page that ends its own session and leads `back`, or None where it has none.

        (OpenID Connect RP-Initiated Logout 1.0, 2.) Raises Unavailable.
        """
        endpoint = self._configuration().get("end_session_endpoint")
        if not isinstance(endpoint, str) or not endpoint.startswith(("https://", "http://")):
            return None
        query = {"client_id": self._client_id, "post_logout_redirect_uri": back, "state": state}
        if id_token:
            query["id_token_hint"] = id_token
        url: str = add_params_to_uri(endpoint, list(query.items()))
        return url

    def identity(self, *, code: str, redirect_uri: str, nonce: str, verifier: str) -> Identity:
        """The person of a code. Raises Forbidden, Unavailable."""
        token = self._token(code, redirect_uri, verifier)
        try:
            claims = self._verified(token, nonce)
        except (JoseError, ValueError, TypeError, KeyError):
            raise Forbidden("the issuer's token does not hold") from None
        if "email" not in claims:
            claims = self._with_user_info(claims, token)
        return Identity(claims, token["id_token"])

    def _token(self, code: str, redirect_uri: str, verifier: str) -> dict[str, Any]:
        public = self._secret is None
        body: str = prepare_token_request(
            "authorization_code",
            code=code,
            redirect_uri=redirect_uri,
            code_verifier=verifier,
            client_id=self._client_id if public or self._posts_secret() else None,
            client_secret=self._secret if self._posts_secret() else None,
        )
        return self._ask(
            "POST",
            self._endpoint("token_endpoint"),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=body.encode(),
            credentials=None if public or self._posts_secret() else self._basic(),
        )

    def _posts_secret(self) -> bool:
        methods = self._configuration().get("token_endpoint_auth_methods_supported")
        return isinstance(methods, list) and "client_secret_basic" not in methods

    def _basic(self) -> Credentials:
        # RFC 6749 2.3.1: both are form-encoded before they are joined.
        return Credentials(quote(self._client_id, safe=""), quote(self._secret or "", safe=""))

    def _verified(self, token: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        signed = self._decoded(token["id_token"])
        claims = CodeIDToken(
            signed.claims,
            signed.header,
            {
                "iss": {"essential": True, "value": self._configuration()["issuer"]},
                "aud": {"essential": True, "value": self._client_id},
            },
            {
                "nonce": nonce,
                "client_id": self._client_id,
                "access_token": token.get("access_token"),
            },
        )
        try:
            claims.validate(leeway=LEEWAY_S)
        except (ExpiredTokenError, InvalidTokenError):
            _check_clock(claims["iat"])
            raise
        return dict(claims)

    def _decoded(self, text: str) -> jwt.Token:
        """The token, its signature verified. Keys that do not verify it may be out of date: an
        issuer may change them at any time, also under the same key id.
        """
        try:
            return issuer_keys.verified(text, self._key_set())
        except (JoseError, ValueError, TypeError):
            if time.monotonic() - self._asked_again_at < ASK_AGAIN_S:
                raise
        self._asked_again_at = time.monotonic()
        for name in ("configuration", "keys"):
            self._kept.remove(name)
        return issuer_keys.verified(text, self._key_set())

    def _key_set(self) -> dict[str, Any]:
        return self._document("keys", self._endpoint("jwks_uri"))

    def _with_user_info(self, claims: dict[str, Any], token: Mapping[str, Any]) -> dict[str, Any]:
        """Some issuers keep the e-mail address out of the token; it must be of the same person."""
        url, bearer = self._configuration().get("userinfo_endpoint"), token.get("access_token")
        if not isinstance(url, str) or not isinstance(bearer, str):
            return claims
        more = self._ask("GET", url, headers={"Authorization": f"Bearer {bearer}"})
        if more.get("sub") != claims["sub"]:
            raise Forbidden("the issuer speaks of two people")
        return more | claims

    def _endpoint(self, name: str) -> str:
        url = self._configuration().get(name)
        if not isinstance(url, str):
            raise Unavailable(f"the issuer's configuration has no {name}")
        return url

    def _configuration(self) -> dict[str, Any]:
        url = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
        found = self._document("configuration", url)
        if str(found.get("issuer")).rstrip("/") != self.issuer.rstrip("/"):
            raise Unavailable("OIDC_ISSUER answers with the name of another issuer")
        return found

    def _document(self, name: str, url: str) -> dict[str, Any]:
        return self._kept.get_or(name, lambda: self._ask("GET", url))

    def _ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        credentials: Credentials | None = None,
    ) -> dict[str, Any]:
        """One request without redirects. The issuer vouches for its own endpoints' addresses."""
        headers = {"Accept": "application/json", **(headers or {})}
        try:
            door = Outbound(Origins([str(split(url).origin)]), timeouts=PATIENCE)
            with door.open(
                method, url, headers=headers, body=body, credentials=credentials, redirects=0
            ) as response:
                answer = response.document(MAX_ANSWER)
        except OutboundError:
            answer = None
        if answer is None:
            raise Unavailable("the issuer does not answer as it should")
        if response.status in (400, 401, 403):
            raise Forbidden("the issuer refuses this sign-in")
        if response.status != 200 or not answer:
            raise Unavailable(f"the issuer answers {response.status}")
        return answer


def _check_clock(issued_at: float) -> None:
    """Raises Forbidden where a token that was made just now is not of now by our clock."""
    difference = issued_at - time.time()
    if abs(difference) <= LEEWAY_S:
        return
    logger.warning("this machine's clock differs from the issuer's", seconds=round(difference))
    way = "behind" if difference > 0 else "ahead of"
    raise Forbidden(
        f"This machine's clock differs from the issuer's: it is {_duration(abs(difference))} {way} "
        "it",
        remedy="Whoever runs this service sets its clock, best by NTP; then open the link again.",
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"about {seconds / 60:.0f} minutes"


def fresh_text() -> str:
    """A random text for a state, a nonce or a PKCE verifier (RFC 7636 4.1: at least 43)."""
    text: str = generate_token(48)
    return text
