"""Decrypts recordings that Twilio encrypted to the customer's public key (spec/protocol 5).

RSA-OAEP decrypts the recording's own key, AES-256-GCM the audio. No decrypted byte leaves before
the tag at the very end has been verified.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from addon.errors import KeyMissing, Tampered, UnreadableAudio
from addon.twilio.sids import is_token

SCHEME = "rsa-aes"
CONTENT_KEY_BYTES = 32
IV_BYTES = 12
TAG_BYTES = 16
BLOCK_BYTES = 64 * 1024

_ALIASES = {
    "key_sid": ("public_key_sid", "encryption_public_key_sid"),
    "wrapped_key": ("encrypted_cek", "encryption_cek"),
    "iv": ("iv", "encryption_iv"),
}


class Spool(Protocol):
    """A temporary file that is safe for plaintext."""

    def write(self, data: bytes, /) -> object:
        """Append a block."""

    def read(self, size: int, /) -> bytes | None:
        """The next bytes, none at the end."""

    def seek(self, offset: int, /) -> int:
        """Move to a position from the start."""

    def close(self) -> None:
        """Delete it."""


@dataclass(frozen=True)
class EncryptionDetails:
    """SID of the public key, encrypted content key and initialisation vector of a recording."""

    key_sid: str
    wrapped_key: bytes = field(repr=False)
    iv: bytes

    @classmethod
    def parse(cls, details: str | Mapping[str, Any]) -> EncryptionDetails:
        """Read the callback's JSON text or the resource's object, in every spelling of 5.2.

        Raises UnreadableAudio for another scheme or what is not whole.
        """
        if isinstance(details, str):
            try:
                details = json.loads(details)
            except (ValueError, RecursionError):
                details = {}
        if not isinstance(details, Mapping):
            raise UnreadableAudio("the recording's encryption details cannot be read")
        scheme = details.get("type", SCHEME)
        if scheme != SCHEME:
            raise UnreadableAudio("the recording is encrypted by a scheme that is not known here")
        key_sid = _value(details, "key_sid")
        iv = _decoded(_value(details, "iv"))
        if not is_token(key_sid) or len(iv) != IV_BYTES:
            raise UnreadableAudio("the recording's key SID or initialisation vector is malformed")
        return cls(key_sid, _decoded(_value(details, "wrapped_key")), iv)


def content_key(details: EncryptionDetails, private_keys: Mapping[str, str]) -> bytes:
    """The 32 bytes that open the audio. `private_keys` are PEM texts by their public key's SID.

    Raises KeyMissing, with the SID, where the key is not among them or does not open it.
    """
    pem = private_keys.get(details.key_sid)
    if pem is None:
        raise KeyMissing(f"no private key is configured for {details.key_sid}")
    try:
        key = load_pem_private_key(pem.encode(), None)
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("not RSA")
        opened = key.decrypt(details.wrapped_key, OAEP(MGF1(SHA256()), SHA256(), None))
    except (ValueError, TypeError):
        raise KeyMissing(
            f"the private key configured for {details.key_sid} does not open this recording"
        ) from None
    if len(opened) != CONTENT_KEY_BYTES:
        raise Tampered("the recording's content key has a wrong length")
    return opened


@contextmanager
def decrypted(
    blocks: Iterable[bytes], key: bytes, iv: bytes, *, spool: Callable[[], Spool]
) -> Iterator[Iterator[bytes]]:
    """The plain audio, once all of it has been verified; the whole download is read on entering.

    `spool` makes a temporary file that is safe for plaintext. Raises Tampered, with everything
    decrypted thrown away, where the tag does not match.
    """
    with closing(spool()) as file:
        _decrypt_into(file, blocks, key, iv)
        file.seek(0)
        yield iter(lambda: file.read(BLOCK_BYTES) or b"", b"")


def _decrypt_into(file: Spool, blocks: Iterable[bytes], key: bytes, iv: bytes) -> None:
    decryptor = Cipher(algorithms.AES(key), modes.GCM(iv)).decryptor()
    held = b""
    for block in blocks:
        held += block
        if len(held) > TAG_BYTES:
            file.write(decryptor.update(held[:-TAG_BYTES]))
            held = held[-TAG_BYTES:]
    if len(held) < TAG_BYTES:
        raise Tampered("the encrypted recording is shorter than its own tag")
    try:
        file.write(decryptor.finalize_with_tag(held))
    except InvalidTag:
        raise Tampered("the encrypted recording's tag does not match its bytes") from None


def _value(details: Mapping[str, Any], meaning: str) -> str:
    found = (details.get(name) for name in _ALIASES[meaning])
    values = {value for value in found if isinstance(value, str)}
    if len(values) != 1:
        raise UnreadableAudio(f"the recording's encryption details do not give one {meaning}")
    return values.pop()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableAudio("the recording's encryption details are no base64") from None
