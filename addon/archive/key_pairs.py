"""RSA pairs as PEM texts, named by the hash of their public half.

The name travels with every object sealed for the key, so that an error can say which key is
missing. A private key must never appear in a message.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from addon.errors import SettingsError

EPOCH_KEY_BITS = 3072
"""128 bits of strength (NIST SP 800-57 part 1, table 2), opened in 0.7 ms; RSA-4096 takes twice
that (spec/ciphertext 2)."""

MIN_RSA_BITS = 2048


@dataclass(frozen=True)
class KeyPair:
    """An RSA pair as PEM texts, and the name that objects sealed for it carry."""

    name: str
    public_pem: str
    private_pem: str


def new_key_pair(bits: int = EPOCH_KEY_BITS) -> KeyPair:
    """A fresh RSA pair; the private half is PKCS#8 without a passphrase."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    public = private.public_key()
    return KeyPair(rsa_name(public), public_pem(public), private_pem(private))


def rsa_name(public: rsa.RSAPublicKey) -> str:
    """`rsa-` and the first half of the SHA-256 of the key's SubjectPublicKeyInfo, in hex."""
    return f"rsa-{fingerprint(public)}"


def fingerprint(public: Any) -> str:
    """The first 16 bytes of the SHA-256 of a public key's SubjectPublicKeyInfo, in hex."""
    info = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(info).hexdigest()[:32]


def pair_of(pem: str, *, setting: str = "ARCHIVE_PRIVATE_KEYS") -> KeyPair:
    """The pair to a private RSA key in PEM. Raises SettingsError that starts with `setting`."""
    try:
        private = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SettingsError(f"{setting}: not a private key in PEM without passphrase") from None
    if not isinstance(private, rsa.RSAPrivateKey):
        raise SettingsError(f"{setting}: not an RSA key")
    public = private.public_key()
    return KeyPair(rsa_name(public), public_pem(public), pem)


def private_pem(private: Any) -> str:
    """Any private key as PKCS#8 PEM without a passphrase."""
    pem: bytes = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode()


def public_pem(public: Any) -> str:
    """Any public key as PEM."""
    pem: bytes = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem.decode()


def named_public_key(pem: str, *, setting: str = "ARCHIVE_PUBLIC_KEYS") -> str:
    """The name of a public RSA key in PEM. Raises SettingsError that starts with `setting`."""
    try:
        public = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsError(f"{setting}: not a public key in PEM") from None
    if not isinstance(public, rsa.RSAPublicKey) or public.key_size < MIN_RSA_BITS:
        raise SettingsError(f"{setting}: not an RSA key of {MIN_RSA_BITS} bits or more")
    return rsa_name(public)
