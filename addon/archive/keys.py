"""Keys of the archive: encryption keys seal a data key, decryption keys get it back.

The same decryption keys serve the SDK's streams and the range reader, and an error names the very
key that is missing. A private key or a data key must never appear in a message or a log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from addon.archive.key_pairs import pair_of
from addon.archive.layout import SealedKey
from addon.archive.wrapping import (
    KMS_PROVIDER,
    RSA_PROVIDER,
    OpeningProvider,
    SealingProvider,
    key_id,
    key_name,
    local_key,
    opened,
    private_key,
    public_key,
)
from addon.errors import KeyMissing, SettingsError


class EncryptionKeys:
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
    ) -> EncryptionKeys:
        """RSA public keys in PEM, and KMS keys. Raises SettingsError where there is none."""
        keys = [public_key(pem, setting=setting) for pem in pems]
        keys += [_kms_key(arn) for arn in kms_arns]
        if not keys:
            raise SettingsError(f"{setting}: no key to encrypt to")
        return cls(keys)

    @classmethod
    def local(cls, key: bytes, name: str | None = None) -> EncryptionKeys:
        """One symmetric key of 32 bytes, under `name` or one derived from it."""
        return cls([local_key(key, name)])

    def __add__(self, other: EncryptionKeys) -> EncryptionKeys:
        return EncryptionKeys(self._keys + other._keys)

    def provider(self) -> Any:
        """As the SDK's encryptor wants them."""
        return SealingProvider.of(self._keys)


class DecryptionKeys:
    """The keys at hand for opening; `find` may fetch a private PEM by its key's name."""

    def __init__(
        self,
        keys: Iterable[Any] = (),
        *,
        kms_arns: Iterable[str] = (),
        find: Callable[[str], str | None] = lambda _name: None,
    ) -> None:
        self._keys: dict[tuple[str, bytes], list[Any]] = {}
        for key in keys:
            self._keys.setdefault((key.provider_id, key.key_id), []).append(key)
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
    ) -> DecryptionKeys:
        """RSA private keys in PEM, and the KMS keys that may be asked. Raises SettingsError."""
        keys = [private_key(pair_of(pem, setting=setting)) for pem in pems]
        return cls(keys, kms_arns=kms_arns, find=find)

    @classmethod
    def local(cls, key: bytes, name: str | None = None) -> DecryptionKeys:
        """One symmetric key of 32 bytes, under `name` or one derived from it."""
        return cls([local_key(key, name)])

    def __add__(self, other: DecryptionKeys) -> DecryptionKeys:
        return DecryptionKeys(
            chain(*self._keys.values(), *other._keys.values()),
            kms_arns=self._kms_arns | other._kms_arns,
            find=lambda name: self._find(name) or other._find(name),
        )

    def __bool__(self) -> bool:
        """True where there is a key to open with."""
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
                for key in find(sealed):
                    if data_key := opened(key, sealed, context):
                        return data_key
        names = ", ".join(sorted({key_name(sealed) for sealed in sealed_keys}))
        raise KeyMissing(f"no key at hand opens this; it was sealed for {names}")

    def provider(self) -> Any:
        """As the SDK's decryptor wants them."""
        return OpeningProvider.asking(self.data_key)

    def _held(self, sealed: SealedKey) -> Sequence[Any]:
        """The keys of this name: an old and a new INTAKE_KEY have the same one."""
        return self._keys.get((sealed.provider, key_id(sealed)), ())

    def _found(self, sealed: SealedKey) -> Sequence[Any]:
        """A key that must be fetched first: a KMS client, or an epoch key from the store."""
        name = key_id(sealed).decode("ascii", "replace")
        key = None
        if sealed.provider == KMS_PROVIDER and name in self._kms_arns:
            key = _kms_key(name)
        elif sealed.provider == RSA_PROVIDER and (pem := self._find(name)):
            key = private_key(pair_of(pem))
        if key is None:
            return ()
        self._keys[sealed.provider, key.key_id] = [key]
        return (key,)


def _kms_key(arn: str) -> Any:
    from addon.archive.kms import kms_key

    return kms_key(arn)
