"""Encrypts small secrets for Redis: AES-256-GCM under keys derived from PLAYBACK_SECRETS.

Each sealed text names its key, so that a new secret can be put in front while older texts still
open. A text is bound to its name: copied under another one it does not open.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from addon.errors import KeyMissing, SettingsError, Tampered

VERSION = b"\x01"
ID_BYTES = 8
NONCE_BYTES = 12
"""Random: 2**32 of them under one key before a repeat is likely enough to matter (SP 800-38D)."""

_PURPOSE = b"ringcentral tokens 1"


class Vault:
    """Seals under the first secret, opens under any. Raises SettingsError where there is none."""

    def __init__(self, playback_secrets: Sequence[str]) -> None:
        if not playback_secrets:
            raise SettingsError("PLAYBACK_SECRETS is not set: no RingCentral token can be kept")
        keys = [_key(secret) for secret in playback_secrets]
        self._newest = keys[0][0]
        self._keys = dict(keys)

    def seal(self, text: bytes, place: str) -> bytes:
        """Version, key id, nonce and ciphertext with its tag."""
        head, nonce = VERSION + self._newest, secrets.token_bytes(NONCE_BYTES)
        sealed = self._keys[self._newest].encrypt(nonce, text, head + place.encode())
        return head + nonce + sealed

    def open(self, sealed: bytes, place: str) -> bytes:
        """The text. Raises KeyMissing for a secret no longer given, Tampered for anything else."""
        head, rest = sealed[: 1 + ID_BYTES], sealed[1 + ID_BYTES :]
        if head[:1] != VERSION or len(rest) < NONCE_BYTES:
            raise Tampered("a sealed RingCentral token is of no form that is known")
        key = self._keys.get(head[1:])
        if key is None:
            raise KeyMissing("a RingCentral token was sealed under a secret that is gone")
        try:
            return key.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], head + place.encode())
        except InvalidTag:
            raise Tampered("a sealed RingCentral token was changed or moved") from None


def _key(secret: str) -> tuple[bytes, AESGCM]:
    """The id and the key of a secret; the id gives nothing of either away."""
    derived = HKDF(SHA256(), 32 + ID_BYTES, salt=None, info=_PURPOSE).derive(secret.encode())
    return derived[32:], AESGCM(derived[:32])
