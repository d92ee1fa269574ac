"""Epoch keys: an RSA pair whose private half is a small sealed object of its own.

Writers hold the public half; whoever may open the small object (KMS, a local key, an offline key)
reads everything of that epoch. Changing who may is a new small object under the same name: the
recordings, and above all their headers, are never touched (ciphertext 4 and 5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from addon.archive.key_pairs import KeyPair, new_key_pair, pair_of
from addon.archive.keys import Openers, Recipients
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

    def begin(self, masters: Recipients) -> KeyPair:
        """Make a pair and keep its private half sealed for `masters`.

        The caller gives the public half to the writers. Raises StoreUnavailable.
        """
        pair = new_key_pair()
        self._store.put(_key(pair.name), self._sealed(pair, masters))
        return pair

    def names(self) -> Iterator[str]:
        """Every epoch kept here."""
        for stat in self._store.list(EPOCH_KEYS):
            yield stat.key.removeprefix(EPOCH_KEYS).removesuffix(_SUFFIX)

    def private_key(self, name: str, openers: Openers) -> KeyPair:
        """Open an epoch's private half. Raises NotStored, KeyMissing, Tampered."""
        blocks = self._store.read(_key(name))
        pem = b"".join(decrypt(blocks, openers, _context(name))).decode("ascii", "replace")
        pair = pair_of(pem, setting="ARCHIVE_URL")
        if pair.name != name:
            raise Tampered("an epoch's key is not the one it is called after")
        return pair

    def rewrap(self, name: str, openers: Openers, masters: Recipients) -> bool:
        """Seal an epoch's private half for other masters: a new message, data key and all.

        False where it is sealed for exactly them already, so that a broken run can be repeated.
        Raises NotStored, KeyMissing, Tampered, StoreUnavailable.
        """
        header = parse_header(self._store.get(_key(name)))
        if {key_name(sealed) for sealed in header.sealed_keys} == set(masters.names):
            return False
        pair = self.private_key(name, openers)
        self._store.put(_key(name), self._sealed(pair, masters), if_absent=False)
        return True

    def finder(self, masters: Openers) -> Callable[[str], str | None]:
        """A private PEM by name where `masters` open it; None where no such epoch is kept."""

        def find(name: str) -> str | None:
            try:
                return self.private_key(name, masters).private_pem
            except NotStored:
                return None

        return find

    def _sealed(self, pair: KeyPair, masters: Recipients) -> Iterator[bytes]:
        return encrypt([pair.private_pem.encode()], masters, _context(pair.name))


def _key(name: str) -> str:
    return f"{EPOCH_KEYS}{name}{_SUFFIX}"


def _context(name: str) -> dict[str, str]:
    return {"object": "epoch-key", "epoch": name}
