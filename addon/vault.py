"""Encrypts small documents for Redis and for cookies: AES-256-GCM under keys that follow from a
process's secrets, one for each purpose.

Each ciphertext names its key, so that a new secret can be put in front while older ones still
open. A document is bound to its purpose and its name: moved to another one it does not open.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from addon.errors import SettingsError, UnreadableDocument
from addon.stored_documents import StoredDocument

VERSION = b"\x01"
ID_BYTES = 8
NONCE_BYTES = 12
"""Random: 2**32 of them under one key before a repeat is likely enough to matter (SP 800-38D)."""

Kept = TypeVar("Kept", bound=StoredDocument)


class Vault:
    """Encrypts under the first secret, decrypts under any. Raises SettingsError without one.

    `purpose` is a few words such as "ringcentral tokens", `setting` where the secrets are from.
    """

    def __init__(
        self, process_secrets: Sequence[str], purpose: str, setting: str = "PLAYBACK_SECRETS"
    ) -> None:
        if not process_secrets:
            raise SettingsError(f"{setting} is not set: no {purpose} can be kept")
        keys = [_key(secret, purpose) for secret in process_secrets]
        self._newest = keys[0][0]
        self._keys = dict(keys)

    def encrypt(self, document: StoredDocument, name: str) -> bytes:
        """Version, key id, nonce and ciphertext with its tag."""
        head, nonce = VERSION + self._newest, secrets.token_bytes(NONCE_BYTES)
        text = document.to_json().encode()
        return head + nonce + self._keys[self._newest].encrypt(nonce, text, head + name.encode())

    def decrypt(self, kind: type[Kept], sealed: bytes | None, name: str) -> Kept | None:
        """The document; None without one, and for one that is under another name, was changed, is
        of a newer release, or was encrypted under a secret that is gone."""
        head, rest = (sealed or b"")[: 1 + ID_BYTES], (sealed or b"")[1 + ID_BYTES :]
        key = self._keys.get(head[1:])
        if key is None or head[:1] != VERSION or len(rest) < NONCE_BYTES:
            return None
        try:
            text = key.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], head + name.encode())
            return kind.from_json(text)
        except (InvalidTag, UnreadableDocument):
            return None

    def encrypt_text(self, document: StoredDocument, name: str) -> str:
        """The same in base64url, for a cookie."""
        return base64.urlsafe_b64encode(self.encrypt(document, name)).decode().rstrip("=")

    def decrypt_text(self, kind: type[Kept], text: str | None, name: str) -> Kept | None:
        """The document of `encrypt_text`; None as `decrypt`, and for a text that is none."""
        try:
            sealed = base64.urlsafe_b64decode(f"{text or ''}==")
        except ValueError:
            return None
        return self.decrypt(kind, sealed, name)


def _key(secret: str, purpose: str) -> tuple[bytes, AESGCM]:
    """The id and the key of a secret; the id gives nothing of either away."""
    info = f"{purpose} 1".encode()
    derived = HKDF(SHA256(), 32 + ID_BYTES, salt=None, info=info).derive(secret.encode())
    return derived[32:], AESGCM(derived[:32])
