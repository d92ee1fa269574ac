"""Epoch keys: an RSA pair whose private half is a small sealed object of its own.

Writers hold the public half; whoever may open the small object (KMS, a local key, an offline key)
reads everything of that epoch. Changing who may is a new small object under the same name: the
recordings, and above all their headers, are never touched (spec/ciphertext 4 and 5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from addon.archive.key_pairs import KeyPair, new_key_pair, pair_of
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.layout import parse_header
from addon.archive.message import decrypt, encrypt
from addon.archive.prefixes import EPOCH_KEYS
from addon.archive.store import Store
from addon.archive.wrapping import key_name
from addon.errors import NotStored, Tampered

_SUFFIX = ".esdk"


class Epochs:
    """The epoch keys of one store; an epoch's name is its key's name."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(
        self, key_encryption_keys: EncryptionKeys, *, reader: DecryptionKeys | None = None
    ) -> KeyPair:
        """Make a pair and keep its private half sealed for `key_encryption_keys`.

        The caller gives the public half to the writers. With a `reader`, raises KeyMissing before
        anything is kept where its keys do not open it. Raises StoreUnavailable.
        """
        pair = new_key_pair()
        self._store.put(_key(pair.name), [self._proven(pair, key_encryption_keys, reader)])
        return pair

    def names(self) -> Iterator[str]:
        """Every epoch kept here."""
        for stat in self._store.list(EPOCH_KEYS):
            yield stat.key.removeprefix(EPOCH_KEYS).removesuffix(_SUFFIX)

    def private_key(self, name: str, decryption_keys: DecryptionKeys) -> KeyPair:
        """Open an epoch's private half. Raises NotStored, KeyMissing, Tampered."""
        blocks = self._store.read(_key(name))
        pem = b"".join(decrypt(blocks, decryption_keys, _context(name))).decode("ascii", "replace")
        pair = pair_of(pem, setting="ARCHIVE_URL")
        if pair.name != name:
            raise Tampered("an epoch's key is not the one it is called after")
        return pair

    def rewrap(
        self,
        name: str,
        decryption_keys: DecryptionKeys,
        key_encryption_keys: EncryptionKeys,
        *,
        reader: DecryptionKeys | None = None,
    ) -> bool:
        """Seal an epoch's private half for other keys: a new message, data key and all.

        False where it is sealed for exactly them already, so that a broken run can be repeated.
        `reader` as for `begin`. Raises NotStored, KeyMissing, Tampered, StoreUnavailable.
        """
        header = parse_header(self._store.get(_key(name)))
        if {key_name(sealed) for sealed in header.sealed_keys} == set(key_encryption_keys.names):
            return False
        pair = self.private_key(name, decryption_keys)
        sealed = self._proven(pair, key_encryption_keys, reader)
        self._store.put(_key(name), [sealed], if_absent=False)
        return True

    def finder(self, key_encryption_keys: DecryptionKeys) -> Callable[[str], str | None]:
        """A lookup of private PEMs by epoch name; it gives None for an epoch not kept here."""

        def find(name: str) -> str | None:
            try:
                return self.private_key(name, key_encryption_keys).private_pem
            except NotStored:
                return None

        return find

    def _proven(
        self, pair: KeyPair, key_encryption_keys: EncryptionKeys, reader: DecryptionKeys | None
    ) -> bytes:
        """The private half, sealed; opened once as a reader will."""
        context = _context(pair.name)
        sealed = b"".join(encrypt([pair.private_pem.encode()], key_encryption_keys, context))
        if reader is not None and b"".join(decrypt([sealed], reader, context)) != (
            pair.private_pem.encode()
        ):
            raise Tampered("an epoch's key does not come back as it was sealed")
        return sealed


def _key(name: str) -> str:
    return f"{EPOCH_KEYS}{name}{_SUFFIX}"


def _context(name: str) -> dict[str, str]:
    return {"object": "epoch-key", "epoch": name}
