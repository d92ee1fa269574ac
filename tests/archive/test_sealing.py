from __future__ import annotations

import hashlib
from functools import partial

import pytest

from addon.archive.archive import Archive
from addon.archive.directory import DirectoryStore
from addon.archive.keys import EncryptionKeys
from addon.archive.layout import parse_header
from addon.archive.sealing import context_of, describes, fetcher, is_stored, seal, stored_version
from addon.errors import Tampered
from tests.archive.recordings import RECORDING, TENANT, archived, noise


@pytest.mark.parametrize("length", [0, 1, 65536, 200_000])
def test_what_is_recorded_is_what_is_stored(
    length: int, directory: DirectoryStore, encryption_keys: EncryptionKeys
) -> None:
    content = noise(length)
    halves = [content[: length // 2], content[length // 2 :]]
    sealed, stat = seal(
        halves, encryption_keys, context_of("t", "r", "audio"), partial(directory.put, "a")
    )
    stored = directory.get("a")
    header = parse_header(stored)
    assert (sealed.size, stat.size) == (len(stored), len(stored))
    assert sealed.sha256 == hashlib.sha256(stored).hexdigest()
    assert sealed.header_sha256 == hashlib.sha256(stored[: header.length]).hexdigest()
    assert sealed.plaintext_sha256 == hashlib.sha256(content).hexdigest()
    assert sealed.plaintext_size == length
    assert is_stored(directory, "a", sealed)


def test_another_object_is_not_the_one(archive: Archive) -> None:
    manifest = archived(archive, b"audio", analysis={"x": 1})
    other = archived(archive, b"audio", recording_id="RE9")
    key = f"recordings/{TENANT}/{RECORDING}/audio.esdk"
    assert stored_version(archive.store, manifest, "audio") == manifest.audio
    assert describes(archive.store, manifest)
    assert not is_stored(archive.store, key, other.audio)
    content = archive.store.get(key)
    for wrong in (content[:-1], bytes(len(content)), content[:40] + b"!" + content[41:]):
        archive.store.put(key, [wrong], if_absent=False)
        assert not describes(archive.store, manifest)
    archive.store.delete(key)
    assert not describes(archive.store, manifest)


def test_a_fetcher_reads_one_version(directory: DirectoryStore) -> None:
    fetch = fetcher(directory, directory.put("a", [b"0123456789"]))
    assert b"".join(fetch(2, 3)) == b"234"
    directory.put("a", [b"abcdefghij"], if_absent=False)
    with pytest.raises(Tampered):
        b"".join(fetch(2, 3))
