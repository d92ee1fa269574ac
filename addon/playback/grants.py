"""Grants: short-lived signed permissions to hear one recording, or one call, and nothing else.

A grant holds tenant, id, listener, purpose and expiry. It must never carry a bucket, a key or a
path (spec/protocol 6.2, 8).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Self, get_args

from addon.errors import Forbidden, GrantExpired, SettingsError
from addon.settings import Settings

Purpose = Literal["listen", "download"]

MAX_LIFETIME_S = 7 * 24 * 3600
"""The longest that S3 signs an address for, so that no integrator misses it here."""

MAX_TOKEN_LENGTH = 2048
"""Three ids, a listener's name and a signature take a quarter of it."""

_DOMAIN = b"playback-grant 1\n"
"""Before what is signed: a signature made here is of no use anywhere else."""

_KEY_ID_LENGTH = 8


@dataclass(frozen=True)
class Grant:
    """Permission for `listener` to hear one recording, or a whole call where `call_sid` is set.

    `expires` is in Unix seconds; `nonce` names this grant in the access log and nowhere else.
    """

    tenant: str
    listener: str
    purpose: Purpose
    expires: int
    nonce: str
    recording_id: str | None = None
    call_sid: str | None = None

    @property
    def subject(self) -> str:
        """The id that is granted: the recording's, else the call's."""
        return self.recording_id or self.call_sid or ""


@dataclass(frozen=True)
class Secret:
    """One of PLAYBACK_SECRETS, and the name under which grants refer to it."""

    name: str
    key: bytes

    @classmethod
    def of_text(cls, text: str) -> Self:
        """The name follows from the secret and gives nothing of it away."""
        name = hashlib.sha256(_DOMAIN + b"name of " + text.encode()).digest()
        return cls(_encoded(name)[:_KEY_ID_LENGTH], text.encode())


class Grants:
    """Issues grants under the newest secret and accepts those of every secret given.

    `audience` is the public URL of this deployment: another one with the same secret takes no
    grant of ours. `ttl` is in seconds.
    """

    def __init__(self, playback_secrets: Sequence[str], *, audience: str, ttl: int) -> None:
        self._secrets = [Secret.of_text(text) for text in playback_secrets]
        self._audience = audience
        self._ttl = ttl

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The grants of PLAYBACK_SECRETS and PLAYBACK_TTL_S."""
        return cls(
            settings.playback_secrets, audience=settings.public_url, ttl=settings.playback_ttl_s
        )

    def issue(
        self,
        tenant: str,
        *,
        recording_id: str | None = None,
        call_sid: str | None = None,
        listener: str,
        purpose: Purpose = "listen",
        duration_seconds: float | None = None,
        lifetime_s: int | None = None,
        now: float | None = None,
    ) -> Grant:
        """A new grant, for as long as it takes to hear the call to its end after the TTL.

        `lifetime_s` replaces that sum. Raises ValueError unless exactly one subject is named.
        """
        if (recording_id is None) == (call_sid is None):
            raise ValueError("a grant is for one recording or for one call")
        if lifetime_s is None:
            lifetime_s = self._ttl + round(duration_seconds or 0)
        began = time.time() if now is None else now
        return Grant(
            tenant=tenant,
            listener=listener,
            purpose=purpose,
            expires=int(began) + min(lifetime_s, MAX_LIFETIME_S),
            nonce=secrets.token_hex(8),
            recording_id=recording_id,
            call_sid=call_sid,
        )

    def token(self, grant: Grant) -> str:
        """The grant as it stands in a link: key name, content, signature.

        Raises SettingsError where there is no secret.
        """
        if not self._secrets:
            raise SettingsError("PLAYBACK_SECRETS is not set: no link can be signed")
        newest = self._secrets[0]
        fields = {name: value for name, value in asdict(grant).items() if value is not None}
        content = _encoded(json.dumps(fields, separators=(",", ":")).encode())
        return f"{newest.name}.{content}.{self._signature(newest, content)}"

    def link(self, grant: Grant) -> str:
        """The address that plays it. Raises SettingsError where there is no secret."""
        return f"{self._audience}/media/{self.token(grant)}"

    def verified(self, token: str, *, now: float | None = None) -> Grant:
        """The grant in a link. Raises Forbidden for a forged one, GrantExpired for an old one."""
        grant = self.authentic(token)
        if grant.expires <= (time.time() if now is None else now):
            raise GrantExpired("this link has expired")
        return grant

    def authentic(self, token: str) -> Grant:
        """The grant in a link that we signed, however long ago. Raises Forbidden."""
        name, _, rest = token[: MAX_TOKEN_LENGTH + 1].partition(".")
        content, _, signature = rest.partition(".")
        found = False
        for secret in self._secrets:
            expected = self._signature(secret, content)
            same = hmac.compare_digest(expected.encode(), signature.encode())
            found |= same and secret.name == name
        if not found or len(token) > MAX_TOKEN_LENGTH:
            raise Forbidden("this link was not made by this service")
        return _parsed(content)

    def _signature(self, secret: Secret, content: str) -> str:
        signed = _DOMAIN + f"{self._audience}\n{secret.name}\n{content}".encode()
        return _encoded(hmac.digest(secret.key, signed, "sha256"))


def _parsed(content: str) -> Grant:
    """The grant in signed content, which an older release may have written. Raises Forbidden."""
    try:
        fields = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
        grant = Grant(**fields)
    except (ValueError, TypeError, binascii.Error):
        raise Forbidden("this link is of a form that is no longer known") from None
    if grant.purpose not in get_args(Purpose) or not grant.subject:
        raise Forbidden("this link is of a form that is no longer known")
    return grant


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")
