"""Client for RingCentral, for the user of a session or for the service account.

Facts of a recording are cached for a few minutes, for the session that asked and no other, because
every request counts against its user's limit.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import cast

import redis
from redis.exceptions import RedisError

from addon.errors import RingCentralUnavailable, SettingsError
from addon.outbound import Outbound
from addon.redis_keys import RINGCENTRAL_KNOWN
from addon.ringcentral import recordings
from addon.ringcentral.api import Api, Caller
from addon.ringcentral.content import Content, Facts
from addon.ringcentral.hosts import Hosts
from addon.ringcentral.limits import Limits
from addon.ringcentral.oauth import OAuth, Tokens
from addon.ringcentral.recordings import Recording
from addon.ringcentral.token_store import TokenStore
from addon.settings import Settings
from addon.stored_documents import StoredDocument
from addon.vault import Kept, Vault

KNOWN_S = 300
"""Life of cached facts. A right that is taken away at RingCentral ends here after as long for a
recording's facts, and at once for its bytes."""

SERVICE = "service-account"
SERVICE_S = 7 * 24 * 3600
"""A service account's tokens are shared by all processes: RingCentral allows about five sessions
for one user and app (spec/protocol 7.3)."""


class RingCentral:
    """The package's parts, put together once for a process."""

    def __init__(self, settings: Settings, connection: redis.Redis) -> None:
        if not settings.ringcentral_client_id:
            raise SettingsError("RINGCENTRAL_CLIENT_ID is not set: RingCentral is not in use here")
        hosts = Hosts(settings.ringcentral_base_url)
        outbound = Outbound(hosts.origins)
        self._redis = connection
        self._jwt = settings.ringcentral_jwt
        self._vault = Vault(_vault_secrets(settings), "ringcentral tokens", "INTAKE_KEY")
        self.oauth = OAuth(
            hosts,
            outbound,
            client_id=settings.ringcentral_client_id,
            client_secret=settings.ringcentral_client_secret,
        )
        self._limits = Limits(connection)
        self.api = Api(hosts, outbound, self._limits)
        self.tokens = TokenStore(connection, self._vault)

    def person(self, session: str) -> Caller:
        """The user who signed in to `session`. Raises Unauthenticated, RingCentralUnavailable."""
        return _caller(self.tokens.fresh(session, self._refreshed))

    def service_account(self) -> Caller:
        """The account of RINGCENTRAL_JWT. Raises as `person`, SettingsError without one."""
        jwt = self._jwt
        if jwt is None:
            raise SettingsError("RINGCENTRAL_JWT is not set: there is no service account")

        def renew(_ended: Tokens | None) -> Tokens:
            return self._counted(SERVICE, lambda: self.oauth.with_jwt(jwt))

        return _caller(self.tokens.fresh(SERVICE, renew, life_s=SERVICE_S))

    def forget_service_account(self) -> None:
        """Sign the service account in anew next time: RingCentral refused its token."""
        self.tokens.end(SERVICE)

    def sign_out(self, session: str) -> None:
        """End a session here and, as far as RingCentral answers, there."""
        tokens = self.tokens.find(session)
        self.tokens.end(session)
        if tokens is not None:
            with suppress(RingCentralUnavailable):
                self.oauth.revoke(tokens)

    def recording(self, session: str, recording_id: str) -> Recording:
        """A recording's entry, as this session may see it. Raises what `Api.get` raises."""
        name = f"recording:{session}:{recordings.checked_id(recording_id)}"
        known = self._cached(Recording, name)
        if known is None:
            known = recordings.recording(self.api, self.person(session), recording_id)
            self._cache(known, name)
        return known

    def content(self, session: str, recording_id: str) -> Content:
        """The recording's bytes for this session; its facts come from the cache, or are fetched."""
        name = f"content:{session}:{recordings.checked_id(recording_id)}"
        known = self._cached(Facts, name)
        uri = self.recording(session, recording_id).content_uri
        content = Content(self.api, self.person(session), uri, known)
        if known is None:
            self._cache(content.facts, name)
        return content

    def _refreshed(self, tokens: Tokens | None) -> Tokens:
        # A person's set is never made here: TokenStore.fresh asks only where there was one.
        known = cast(Tokens, tokens)
        return self._counted(known.owner, lambda: self.oauth.refresh(known))

    def _counted(self, user: str, ask: Callable[[], Tokens]) -> Tokens:
        """Token requests are limited too, and many jobs may need the same tokens at once."""
        self._limits.take(user, "Auth")
        try:
            return ask()
        except RingCentralUnavailable as error:
            if error.retry_after is not None:
                self._limits.pause(user, "Auth", error.retry_after)
            raise

    def _cached(self, kind: type[Kept], name: str) -> Kept | None:
        with suppress(RedisError):
            sealed = cast("bytes | None", self._redis.get(RINGCENTRAL_KNOWN + name))
            return self._vault.decrypt(kind, sealed, name)
        return None

    def _cache(self, document: StoredDocument, name: str) -> None:
        with suppress(RedisError):
            sealed = self._vault.encrypt(document, name)
            self._redis.set(RINGCENTRAL_KNOWN + name, sealed, ex=KNOWN_S)


def _vault_secrets(settings: Settings) -> list[str]:
    """INTAKE_KEY, which web and workers share, then PLAYBACK_SECRETS, which 0.1.0 encrypted under
    and workers do not hold."""
    shared = [key.hex() for key in settings.intake_key]
    return [*shared, *settings.playback_secrets]


def _caller(tokens: Tokens) -> Caller:
    return Caller(tokens.access, tokens.owner)
