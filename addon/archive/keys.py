"""Who can open an object: recipients seal a data key, openers get it back.

Key wrapping is the official SDK's, for its own streams and for the range reader alike. RSA keys are
named by the hash of their public half, so that an error can name the very key that is missing. A
private key or a data key must never appear in a message or a log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_encryption_sdk.exceptions import (
    DecryptKeyError,
    IncorrectMasterKeyError,
    InvalidDataKeyError,
    InvalidKeyIdError,
)
from aws_encryption_sdk.identifiers import Algorithm, EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.base import MasterKeyProvider, MasterKeyProviderConfig
from aws_encryption_sdk.key_providers.raw import RawMasterKey
from aws_encryption_sdk.structures import DataKey, EncryptedDataKey, MasterKeyInfo
from botocore.exceptions import BotoCoreError
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from addon.archive.layout import SealedKey
from addon.errors import KeyMissing, SettingsError, StoreUnavailable

ALGORITHM = Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY
"""Suite 0x0478 (ciphertext 1)."""

RSA_PROVIDER = "addon-rsa"
LOCAL_PROVIDER = "addon-local"
KMS_PROVIDER = "aws-kms"

EPOCH_KEY_BITS = 3072
"""128 bits of strength, opened in 0.7 ms; RSA-4096 takes twice that (ciphertext 2)."""

MIN_RSA_BITS = 2048
LOCAL_KEY_LENGTH = 32
_RAW_AES_INFO_LENGTH = 4 + 4 + 12
"""Behind the name in a raw AES key's info: tag bits, IV length, IV (ciphertext 6)."""


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
    private_pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return KeyPair(rsa_name(public), _public_pem(public), private_pem.decode())


def rsa_name(public: rsa.RSAPublicKey) -> str:
    """`rsa-` and the first half of the SHA-256 of the key's SubjectPublicKeyInfo, in hex."""
    return f"rsa-{fingerprint(public)}"


def local_name(key: bytes) -> str:
    """A name for a random symmetric key that tells two keys apart and gives nothing away."""
    return f"local-{hashlib.sha256(b'name of a local key' + key).hexdigest()[:32]}"


def fingerprint(public: Any) -> str:
    """The first 16 bytes of the SHA-256 of a public key's SubjectPublicKeyInfo, in hex."""
    info = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(info).hexdigest()[:32]


def pair_of(private_pem: str, *, setting: str = "ARCHIVE_PRIVATE_KEYS") -> KeyPair:
    """The pair to a private RSA key in PEM. Raises SettingsError that starts with `setting`."""
    try:
        private = serialization.load_pem_private_key(private_pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SettingsError(f"{setting}: not a private key in PEM without passphrase") from None
    if not isinstance(private, rsa.RSAPrivateKey):
        raise SettingsError(f"{setting}: not an RSA key")
    public = private.public_key()
    return KeyPair(rsa_name(public), _public_pem(public), private_pem)


def _public_pem(public: rsa.RSAPublicKey) -> str:
    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


class Recipients:
    """The keys an object is sealed for: each of them alone opens it."""

    def __init__(self, keys: Sequence[Any]) -> None:
        self._keys = tuple(keys)
        self.names = tuple(key.key_id.decode() for key in self._keys)

    @classmethod
    def of_public_keys(
        cls,
        pems: Iterable[str],
        kms_arns: Iterable[str] = (),
        *,
        setting: str = "ARCHIVE_PUBLIC_KEYS",
    ) -> Recipients:
        """RSA public keys in PEM, and KMS keys. Raises SettingsError where there is none."""
        keys = [_public_key(pem, setting) for pem in pems] + [_kms_key(arn) for arn in kms_arns]
        if not keys:
            raise SettingsError(f"{setting}: no key to encrypt to")
        return cls(keys)

    @classmethod
    def local(cls, key: bytes, name: str | None = None) -> Recipients:
        """One symmetric key of 32 bytes, under `name` or one derived from it."""
        return cls([_local_key(key, name or local_name(key))])

    def __add__(self, other: Recipients) -> Recipients:
        return Recipients(self._keys + other._keys)

    def provider(self) -> Any:
        """As the SDK's encryptor wants them."""
        provider = _RecipientProvider()
        for key in self._keys:
            provider.add_master_key_provider(key)
        return provider


class Openers:
    """The keys at hand for opening; `find` may fetch a private PEM by its key's name."""

    def __init__(
        self,
        keys: Iterable[Any] = (),
        *,
        kms_arns: Iterable[str] = (),
        find: Callable[[str], str | None] = lambda _name: None,
    ) -> None:
        self._keys = {(key.provider_id, key.key_id): key for key in keys}
        self._kms_arns = frozenset(kms_arns)
        self._find = find

    @classmethod
    def of_private_keys(
        cls,
        pems: Iterable[str],
        kms_arns: Iterable[str] = (),
        *,
        find: Callable[[str], str | None] = lambda _name: None,
        setting: str = "ARCHIVE_PRIVATE_KEYS",
    ) -> Openers:
        """RSA private keys in PEM, and the KMS keys that may be asked. Raises SettingsError."""
        keys = [_private_key(pair_of(pem, setting=setting)) for pem in pems]
        return cls(keys, kms_arns=kms_arns, find=find)

    @classmethod
    def local(cls, key: bytes, name: str | None = None) -> Openers:
        """One symmetric key of 32 bytes, under `name` or one derived from it."""
        return cls([_local_key(key, name or local_name(key))])

    def __add__(self, other: Openers) -> Openers:
        return Openers(
            [*self._keys.values(), *other._keys.values()],
            kms_arns=self._kms_arns | other._kms_arns,
            find=lambda name: self._find(name) or other._find(name),
        )

    def __bool__(self) -> bool:
        """Whether there is any key at hand at all."""
        return bool(self._keys or self._kms_arns)

    def data_key(self, sealed_keys: Sequence[SealedKey], context: Mapping[str, str]) -> bytes:
        """The data key that one of `sealed_keys` holds, 32 bytes.

        Raises KeyMissing that names every key it was sealed for; StoreUnavailable where KMS does
        not answer.
        """
        # An epoch's key is fetched once, KMS asked for every object: it comes last.
        in_turn = sorted(sealed_keys, key=lambda sealed: sealed.provider == KMS_PROVIDER)
        for find in (self._held, self._found):
            for sealed in in_turn:
                key = find(sealed)
                opened = key and _opened(key, sealed, context)
                if opened:
                    return opened
        names = ", ".join(sorted({key_name(sealed) for sealed in sealed_keys}))
        raise KeyMissing(f"no key at hand opens this; it was sealed for {names}")

    def provider(self) -> Any:
        """As the SDK's decryptor wants them."""
        return _OpenerProvider(self)

    def _held(self, sealed: SealedKey) -> Any | None:
        return self._keys.get((sealed.provider, _key_id(sealed)))

    def _found(self, sealed: SealedKey) -> Any | None:
        """A key that must be fetched first: a KMS client, or an epoch key from the store."""
        name = _key_id(sealed).decode("ascii", "replace")
        key = None
        if sealed.provider == KMS_PROVIDER and name in self._kms_arns:
            key = _kms_key(name)
        elif sealed.provider == RSA_PROVIDER and (pem := self._find(name)):
            key = _private_key(pair_of(pem))
        if key is not None:
            self._keys[sealed.provider, key.key_id] = key
        return key


def _opened(key: Any, sealed: SealedKey, context: Mapping[str, str]) -> bytes | None:
    wrapped = EncryptedDataKey(MasterKeyInfo(sealed.provider, sealed.info), sealed.ciphertext)
    try:
        opened: bytes = key.decrypt_data_key(wrapped, ALGORITHM, dict(context)).data_key
    except (DecryptKeyError, IncorrectMasterKeyError, InvalidDataKeyError, InvalidTag):
        return None
    except BotoCoreError as error:
        raise StoreUnavailable(f"KMS does not answer: {type(error).__name__}") from error
    return opened


def _key_id(sealed: SealedKey) -> bytes:
    return sealed.info[:-_RAW_AES_INFO_LENGTH] if sealed.provider == LOCAL_PROVIDER else sealed.info


def key_name(sealed: SealedKey) -> str:
    """A key's name from an unauthenticated header, fit for a message."""
    name = _key_id(sealed).decode("ascii", "replace")[:128]
    return name if name.isprintable() else repr(name)


def _public_key(pem: str, setting: str) -> Any:
    try:
        public = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsError(f"{setting}: not a public key in PEM") from None
    if not isinstance(public, rsa.RSAPublicKey) or public.key_size < MIN_RSA_BITS:
        raise SettingsError(f"{setting}: not an RSA key of {MIN_RSA_BITS} bits or more")
    return _rsa_key(rsa_name(public), pem, EncryptionKeyType.PUBLIC)


def _private_key(pair: KeyPair) -> Any:
    return _rsa_key(pair.name, pair.private_pem, EncryptionKeyType.PRIVATE)


def _rsa_key(name: str, pem: str, kind: Any) -> Any:
    wrapping = WrappingKey(WrappingAlgorithm.RSA_OAEP_SHA256_MGF1, pem.encode(), kind)
    return RawMasterKey(key_id=name, provider_id=RSA_PROVIDER, wrapping_key=wrapping)


def _local_key(key: bytes, name: str) -> Any:
    if len(key) != LOCAL_KEY_LENGTH:
        raise SettingsError(f"the local key {name} is not {LOCAL_KEY_LENGTH} bytes long")
    algorithm = WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING
    wrapping = WrappingKey(algorithm, key, EncryptionKeyType.SYMMETRIC)
    return RawMasterKey(key_id=name, provider_id=LOCAL_PROVIDER, wrapping_key=wrapping)


def _kms_key(arn: str) -> Any:
    from addon.archive.kms import kms_key

    return kms_key(arn)


class _RecipientProvider(MasterKeyProvider):  # type: ignore[misc]
    """Several keys side by side; the SDK has no plain container for them."""

    provider_id = "addon"
    _config_class = MasterKeyProviderConfig

    def _new_master_key(self, key_id: bytes) -> Any:  # noqa: ARG002
        raise InvalidKeyIdError("keys are given, never made from a name")


class _OpenerProvider(_RecipientProvider):
    """Asks `Openers`, so that whole streams and ranges find keys by the same rules."""

    def __new__(cls, openers: Openers) -> Any:
        instance = super().__new__(cls)
        instance.openers = openers
        return instance

    def decrypt_data_key_from_list(
        self,
        encrypted_data_keys: Iterable[Any],
        algorithm: Any,  # noqa: ARG002
        encryption_context: dict[str, str],
    ) -> Any:
        sealed = list(_sealed_keys(encrypted_data_keys))
        data_key = self.openers.data_key(sealed, encryption_context)
        return DataKey(MasterKeyInfo("addon", b"opened"), data_key, b"opened")


def _sealed_keys(wrapped: Iterable[Any]) -> Iterator[SealedKey]:
    for key in wrapped:
        info = key.key_provider
        yield SealedKey(info.provider_id, bytes(info.key_info), key.encrypted_data_key)
