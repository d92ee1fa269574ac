"""The official SDK's keys and key providers, as this archive uses them.

The one place that knows how the SDK wants its keys; sealing and opening a data key is the SDK's
work everywhere. Its raw keys need an internal class, as its own examples do (spec/ciphertext 7).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from cryptography.exceptions import InvalidTag

from addon.archive.key_pairs import KeyPair, named_public_key
from addon.archive.layout import SealedKey
from addon.errors import SettingsError, StoreUnavailable

ALGORITHM = Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY
"""Suite 0x0478 (spec/ciphertext 1)."""

RSA_PROVIDER = "addon-rsa"
LOCAL_PROVIDER = "addon-local"
KMS_PROVIDER = "aws-kms"

LOCAL_KEY_LENGTH = 32
_RAW_AES_INFO_LENGTH = 4 + 4 + 12
"""Behind the name in a raw AES key's info: tag bits, IV length, IV (spec/ciphertext 6)."""

DataKeyOpener = Callable[[Sequence[SealedKey], Mapping[str, str]], bytes]


def public_key(pem: str, *, setting: str) -> Any:
    """A public RSA key in PEM, to seal with. Raises SettingsError."""
    return _rsa_key(named_public_key(pem, setting=setting), pem, EncryptionKeyType.PUBLIC)


def private_key(pair: KeyPair) -> Any:
    """The private half of a pair, to open with."""
    return _rsa_key(pair.name, pair.private_pem, EncryptionKeyType.PRIVATE)


def local_key(key: bytes, name: str | None) -> Any:
    """A symmetric key that seals and opens. Raises SettingsError for another length than 32."""
    name = name or local_name(key)
    if len(key) != LOCAL_KEY_LENGTH:
        raise SettingsError(f"the local key {name} is not {LOCAL_KEY_LENGTH} bytes long")
    algorithm = WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING
    wrapping = WrappingKey(algorithm, key, EncryptionKeyType.SYMMETRIC)
    return RawMasterKey(key_id=name, provider_id=LOCAL_PROVIDER, wrapping_key=wrapping)


def local_name(key: bytes) -> str:
    """A name for a random symmetric key that tells two keys apart and gives nothing away."""
    return f"local-{hashlib.sha256(b'name of a local key' + key).hexdigest()[:32]}"


def opened(key: Any, sealed: SealedKey, context: Mapping[str, str]) -> bytes | None:
    """The data key in `sealed` where `key` opens it. Raises StoreUnavailable without KMS."""
    wrapped = EncryptedDataKey(MasterKeyInfo(sealed.provider, sealed.info), sealed.ciphertext)
    try:
        data_key: bytes = key.decrypt_data_key(wrapped, ALGORITHM, dict(context)).data_key
    except (DecryptKeyError, IncorrectMasterKeyError, InvalidDataKeyError, InvalidTag):
        return None
    except BotoCoreError as error:
        raise StoreUnavailable(f"KMS does not answer: {type(error).__name__}") from error
    return data_key


def key_id(sealed: SealedKey) -> bytes:
    """The name of the key that a data key is sealed for, as the SDK compares it."""
    return sealed.info[:-_RAW_AES_INFO_LENGTH] if sealed.provider == LOCAL_PROVIDER else sealed.info


def key_name(sealed: SealedKey) -> str:
    """A key's name from an unauthenticated header, fit for a message."""
    name = key_id(sealed).decode("ascii", "replace")[:128]
    return name if name.isprintable() else repr(name)


class SealingProvider(MasterKeyProvider):  # type: ignore[misc]
    """Several keys side by side; the SDK has no plain container for them."""

    provider_id = "addon"
    _config_class = MasterKeyProviderConfig

    @classmethod
    def of(cls, keys: Iterable[Any]) -> Any:
        """With these keys, the first of which makes the data key."""
        provider = cls()
        for key in keys:
            provider.add_master_key_provider(key)
        return provider

    def _new_master_key(self, key_id: bytes) -> Any:  # noqa: ARG002
        raise InvalidKeyIdError("keys are given, never made from a name")


class OpeningProvider(SealingProvider):
    """A key provider that finds data keys by the same rules as the range reader."""

    open_data_key: DataKeyOpener

    @classmethod
    def asking(cls, open_data_key: DataKeyOpener) -> Any:
        """The provider that asks `open_data_key`."""
        provider = cls()
        provider.open_data_key = open_data_key
        return provider

    def decrypt_data_key_from_list(
        self,
        encrypted_data_keys: Iterable[Any],
        algorithm: Any,  # noqa: ARG002
        encryption_context: dict[str, str],
    ) -> Any:
        """The data key, for the SDK's decryptor, in its own types."""
        sealed = [
            SealedKey(
                key.key_provider.provider_id, key.key_provider.key_info, key.encrypted_data_key
            )
            for key in encrypted_data_keys
        ]
        data_key = self.open_data_key(sealed, encryption_context)
        return DataKey(MasterKeyInfo("addon", b"opened"), data_key, b"opened")


def _rsa_key(name: str, pem: str, kind: Any) -> Any:
    wrapping = WrappingKey(WrappingAlgorithm.RSA_OAEP_SHA256_MGF1, pem.encode(), kind)
    return RawMasterKey(key_id=name, provider_id=RSA_PROVIDER, wrapping_key=wrapping)
