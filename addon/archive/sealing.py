"""One object sealed on its way into the store, and asked about later.

Plaintext passes through in blocks and is hashed, encrypted and hashed again; what comes out is the
record of it that goes into the manifest. No object may be written by any other way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Protocol

from addon.archive import message
from addon.archive.blocks import watched
from addon.archive.digest import Digest
from addon.archive.keys import EncryptionKeys
from addon.archive.layout import Header, parse_header
from addon.archive.manifest import Manifest, Part, Sealed
from addon.archive.names import files
from addon.archive.reader import Fetch, fetch_header
from addon.archive.store import Stat, Store
from addon.errors import NotStored, Tampered


class Put(Protocol):
    """Writes ciphertext somewhere, showing `digest` all of it, and says what lies there then."""

    def __call__(self, blocks: Iterable[bytes], *, digest: Digest) -> Stat:
        """Raises what the store and `blocks` do."""
        ...


def context_of(tenant: str, recording_id: str, part: Part) -> dict[str, str]:
    """The encryption context of an object, which binds it to its recording (spec/ciphertext 5)."""
    return {"tenant": tenant, "recording": recording_id, "object": part}


def seal(
    blocks: Iterable[bytes], encryption_keys: EncryptionKeys, context: Mapping[str, str], put: Put
) -> tuple[Sealed, Stat]:
    """Encrypt `blocks` through `put`. Raises what `put` and `blocks` raise."""
    plain, cipher = Digest(), Digest()
    encrypted = message.encrypt(watched(blocks, plain), encryption_keys, context)
    first = next(encrypted)
    stat = put(chain([first], encrypted), digest=cipher)
    sealed = Sealed(
        size=cipher.size,
        sha256=cipher.sha256,
        header_sha256=header_sha256(parse_header(first)),
        plaintext_sha256=plain.sha256,
        plaintext_size=plain.size,
    )
    return sealed, stat


def header_sha256(header: Header) -> str:
    """The hash that pins a whole object: header to commitment to data key to frames."""
    return hashlib.sha256(header.body + header.tag).hexdigest()


def fetcher(store: Store, stat: Stat) -> Fetch:
    """A reader of this very version of an object; it raises Tampered once it was replaced."""

    def fetch(
        start: int, length: int, into: memoryview | None = None
    ) -> Iterator[bytes] | Iterator[memoryview]:
        if into is None:
            return store.read(stat.key, start, length, etag=stat.etag)
        return store.read_into(into, stat.key, start, length, etag=stat.etag)

    return fetch


def is_stored(store: Store, key: str, sealed: Sealed) -> bool:
    """True where the object under `key` has the size and header that `sealed` records."""
    stat = store.stat(key)
    if stat is None or stat.size != sealed.size:
        return False
    try:
        return header_sha256(fetch_header(fetcher(store, stat), stat.size)) == sealed.header_sha256
    except (Tampered, NotStored):
        return False


def stored_version(store: Store, manifest: Manifest, part: Part) -> Sealed | None:
    """The object of those that the manifest admits that is stored, if any."""
    key = object_key(manifest, part)
    return next((one for one in manifest.admits(part) if is_stored(store, key, one)), None)


def describes(store: Store, manifest: Manifest) -> bool:
    """True where the stored objects are those of the manifest."""
    return all(stored_version(store, manifest, part) for part in manifest.parts)


def object_key(manifest: Manifest, part: Part) -> str:
    """The key of a part of the manifest's recording."""
    keys = files(manifest.tenant, manifest.recording_id)
    return keys.audio if part == "audio" else keys.analysis
