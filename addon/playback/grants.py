"""Grants: short-lived signed permissions to hear one recording, or one call, and nothing else.

A grant holds tenant, id, listener, purpose and expiry. It must never carry a bucket, a key or a
path (spec/protocol 6.2, 8).
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Literal, Self, get_args

from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from addon.errors import Forbidden, GrantExpired, InvalidParameter, SettingsError
from addon.playback.clips import Clip, clip_name
from addon.settings import Settings

Purpose = Literal["listen", "download"]

MAX_LIFETIME_S = 7 * 24 * 3600
"""The longest that S3 signs an address for, so that no integrator misses it here."""

MAX_TOKEN_LENGTH = 2048
"""Three ids, a listener's name and a signature take a quarter of it."""

_DOMAIN = b"playback-grant 1\n"
"""Before what is signed: a signature made here is of no use anywhere else."""

CHECKED_LINKS = 1024
"""Genuine links whose signature is not computed again: a player sends its link with each range."""

_KEY_NAME_LENGTH = 8

_TOKEN_MARK = "."  # noqa: S105 - a separator

_TOKEN = re.compile(r"[\w-]{8}\.[\w-]+\.[\w-]{42}[AEIMQUYcgkosw048]", re.ASCII)
"""Key name, content, signature; of the ways to write a signature in base64 only the shortest."""


@dataclass(frozen=True)
class Grant:
    """Permission for `listener` to hear one recording, or a whole call where `call_sid` is set.

    With a `clip` it is for that stretch alone; a release that knows no clips refuses such a link.

    `expires` is in Unix seconds; `nonce` names this grant in the access log, and its API token
    behind a dot: a field of its own would be refused by release 0.1.0.
    """

    tenant: str
    listener: str
    purpose: Purpose
    expires: int
    nonce: str
    recording_id: str | None = None
    call_sid: str | None = None
    clip: Clip | None = None

    @property
    def api_token(self) -> str | None:
        """The name of the API token that it was issued with; None for a person's."""
        return self.nonce.partition(_TOKEN_MARK)[2] or None

    @property
    def subject(self) -> str:
        """The id that is granted: the recording's, else the call's."""
        return self.recording_id or self.call_sid or ""

    @property
    def file_name(self) -> str:
        """The name of its file, without the ending."""
        return clip_name(self.subject, self.clip)


class Grants:
    """Issues grants under the newest secret and accepts those of every secret given.

    `audience` is the public URL of this deployment: another one with the same secret takes no
    grant of ours. `ttl` is in seconds.
    """

    def __init__(self, playback_secrets: Sequence[str], *, audience: str, ttl: int) -> None:
        self._key_name = _key_name(playback_secrets[0]) if playback_secrets else None
        oldest_first = list(reversed(playback_secrets))
        self._signer = Signer(oldest_first, key_derivation="none", digest_method=hashlib.sha256)
        self._audience = audience
        self._ttl = ttl
        self._checked = lru_cache(CHECKED_LINKS)(self._check)

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
        clip: Clip | None = None,
        listener: str,
        purpose: Purpose = "listen",
        duration_seconds: float | None = None,
        lifetime_s: int | None = None,
        api_token: str | None = None,
        now: float | None = None,
    ) -> Grant:
        """A new grant, for as long as it takes to hear the call to its end after the TTL.

        `lifetime_s` replaces that sum; with `api_token` it ends with that token. Raises ValueError
        unless exactly one subject is named.
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
            nonce=secrets.token_hex(8) + (f"{_TOKEN_MARK}{api_token}" if api_token else ""),
            recording_id=recording_id,
            call_sid=call_sid,
            clip=clip,
        )

    def token(self, grant: Grant) -> str:
        """The grant as it stands in a link: key name, content, signature.

        Raises SettingsError where there is no secret.
        """
        if self._key_name is None:
            raise SettingsError("PLAYBACK_SECRETS is not set: no link can be signed")
        fields = {name: value for name, value in asdict(grant).items() if value is not None}
        content = base64_encode(json.dumps(fields, separators=(",", ":"))).decode()
        signed = self._signed(self._key_name, content)
        return f"{self._key_name}.{content}.{self._signer.get_signature(signed).decode()}"

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
        return self._checked(token)

    def _check(self, token: str) -> Grant:
        if len(token) > MAX_TOKEN_LENGTH or not _TOKEN.fullmatch(token):
            raise Forbidden("this link was not made by this service")
        key_name, content, signature = token.split(".")
        if not self._signer.verify_signature(self._signed(key_name, content), signature):
            raise Forbidden("this link was not made by this service")
        return _parsed(content)

    def _signed(self, key_name: str, content: str) -> bytes:
        """The bytes that are signed: a link of another deployment or another use does not fit."""
        return _DOMAIN + f"{self._audience}\n{key_name}\n{content}".encode()


def _key_name(secret: str) -> str:
    """The name of a secret in links: it follows from the secret and gives nothing of it away."""
    name = hashlib.sha256(_DOMAIN + b"name of " + secret.encode()).digest()
    return base64_encode(name).decode()[:_KEY_NAME_LENGTH]


def _parsed(content: str) -> Grant:
    """The grant in signed content, which an older release may have written. Raises Forbidden."""
    try:
        fields = json.loads(base64_decode(content))
        if fields.get("clip") is not None:
            start, stop = fields["clip"]
            fields["clip"] = Clip.of(start / 1000, stop / 1000)
        grant = Grant(**fields)
    except (BadData, ValueError, TypeError, AttributeError, InvalidParameter):
        raise Forbidden("this link is of a form that is no longer known") from None
    if grant.purpose not in get_args(Purpose) or not grant.subject:
        raise Forbidden("this link is of a form that is no longer known")
    return grant
