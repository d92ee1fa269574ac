from __future__ import annotations

from collections.abc import Iterator

import pytest

from addon.archive.archive import MAX_OPENED, Archive
from addon.archive.directory import DirectoryStore
from addon.archive.key_pairs import KeyPair
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.layout import FRAME_LENGTH
from addon.archive.manifest import Signer, new_signing_key
from addon.archive.s3 import S3Store
from addon.archive.store import Stat
from addon.errors import KeyMissing, NotStored, StoreUnavailable, Tampered
from tests.archive.recordings import RECORDING, TENANT, archived, noise

OTHER = "XD" + "9" * 32
FOLDER = f"recordings/{TENANT}/{RECORDING}"
CONTENT = noise(3 * FRAME_LENGTH + 99)


class Counting(DirectoryStore):
    """Counts what a listener's request costs."""

    calls = 0

    def get(self, key: str) -> bytes:
        self.calls += 1
        return super().get(key)

    def read(
        self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None
    ) -> Iterator[bytes]:
        self.calls += 1
        return super().read(key, start, length, etag=etag)

    def read_into(
        self, memory: memoryview, key: str, start: int, length: int, *, etag: str
    ) -> Iterator[memoryview]:
        self.calls += 1
        return super().read_into(memory, key, start, length, etag=etag)

    def stat(self, key: str) -> Stat | None:
        self.calls += 1
        return super().stat(key)


@pytest.mark.parametrize("where", ["directory", "bucket"])
def test_ranges_come_out_of_any_store(
    where: str,
    request: pytest.FixtureRequest,
    encryption_keys: EncryptionKeys,
    decryption_keys: DecryptionKeys,
    signer: Signer,
) -> None:
    store: DirectoryStore | S3Store = request.getfixturevalue(where)
    archive = Archive(
        store, encryption_keys=encryption_keys, decryption_keys=decryption_keys, signer=signer
    )
    manifest = archived(archive, CONTENT, analysis={"x": [1.5, None]})
    audio = archive.open(TENANT, RECORDING)
    assert audio.length == len(CONTENT)
    assert audio.manifest == manifest
    assert b"".join(audio.read(70_000, 140_000)) == CONTENT[70_000:140_000]
    assert b"".join(audio.read()) == CONTENT
    assert b"".join(archive.decrypted(manifest, "audio")) == CONTENT
    assert archive.analysis(TENANT, RECORDING) == {"x": [1.5, None]}


def test_an_opened_recording_is_opened_once(
    archive: Archive, decryption_keys: DecryptionKeys
) -> None:
    archived(archive, CONTENT)
    assert isinstance(archive.store, DirectoryStore)
    store = Counting(archive.store.root)
    reader = Archive(store, decryption_keys=decryption_keys, verifiers=archive._verifiers)
    first = reader.open(TENANT, RECORDING)
    assert store.calls == 5  # stat, manifest, tombstone, header, final frame
    store.calls = 0
    assert reader.open(TENANT, RECORDING) is first
    b"".join(first.read(FRAME_LENGTH, FRAME_LENGTH + 10))
    assert store.calls == 2  # stat, one range


def test_few_opened_recordings_are_kept(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addon.archive.archive.MAX_OPENED", 2)
    reader = Archive(
        archive.store, decryption_keys=archive.decryption_keys, verifiers=archive._verifiers
    )
    for number in range(3):
        archived(archive, b"audio", recording_id=f"RE{number}")
    opened = [reader.open(TENANT, f"RE{number}") for number in range(3)]
    assert reader.open(TENANT, "RE2") is opened[2]
    assert reader.open(TENANT, "RE0") is not opened[0]
    assert MAX_OPENED > 2


def test_the_etag_names_the_plaintext(archive: Archive) -> None:
    archived(archive, b"one", recording_id="RE1")
    archived(archive, b"one", recording_id="RE2")
    archived(archive, b"two", recording_id="RE3")
    one, same, two = (archive.open(TENANT, name).etag for name in ("RE1", "RE2", "RE3"))
    assert one == same
    assert one != two


def test_an_erased_recording_is_not_served_from_memory(archive: Archive) -> None:
    archived(archive, CONTENT)
    audio = archive.open(TENANT, RECORDING)
    archive.erase(TENANT, RECORDING, by="test", reason="asked")
    with pytest.raises(NotStored):
        archive.open(TENANT, RECORDING)
    with pytest.raises(NotStored):
        b"".join(audio.read())


def test_an_object_replaced_under_a_listener_is_noticed(archive: Archive) -> None:
    archived(archive, CONTENT)
    audio = archive.open(TENANT, RECORDING)
    blocks = audio.read()
    archive.store.put(f"{FOLDER}/audio.esdk", [b"replaced"], if_absent=False)
    with pytest.raises(Tampered):
        b"".join(blocks)
    with pytest.raises(Tampered):
        archive.open(TENANT, RECORDING)


@pytest.mark.parametrize(
    ("tenant", "recording_id"), [(OTHER, RECORDING), (TENANT, "RE0"), ("../x", "RE0"), ("", "")]
)
def test_what_a_tenant_does_not_hold_is_not_there(
    archive: Archive, tenant: str, recording_id: str
) -> None:
    archived(archive, b"audio")
    for call in (archive.open, archive.manifest, archive.analysis, archive.tombstone):
        with pytest.raises(NotStored):
            call(tenant, recording_id)


def test_another_recordings_whole_folder_is_refused(archive: Archive) -> None:
    """Even every object of it, copied in place: signature and context say whose they are."""
    archived(archive, b"theirs", tenant=OTHER, analysis={"x": 1})
    for name in ("audio.esdk", "analysis.esdk", "manifest.json"):
        content = archive.store.get(f"recordings/{OTHER}/{RECORDING}/{name}")
        archive.store.put(f"{FOLDER}/{name}", [content])
    for call in (archive.open, archive.manifest, archive.analysis):
        with pytest.raises(Tampered):
            call(TENANT, RECORDING)


def test_another_valid_object_is_not_the_one_that_was_signed(
    archive: Archive, encryption_keys: EncryptionKeys
) -> None:
    """Whoever can write to the store can seal for the public key, but cannot sign."""
    archived(archive, b"the truth", analysis={"truth": True})
    with pytest.MonkeyPatch.context():
        forger = Archive(
            DirectoryStore(archive.store.root / "forged"),  # type: ignore[attr-defined]
            encryption_keys=encryption_keys,
            signer=Signer(new_signing_key()),
        )
        archived(forger, b"not truth", analysis={"truth": None})
    for name in ("audio.esdk", "analysis.esdk"):
        forged = forger.store.get(f"{FOLDER}/{name}")
        archive.store.put(f"{FOLDER}/{name}", [forged], if_absent=False)
    with pytest.raises(Tampered):
        archive.open(TENANT, RECORDING)
    with pytest.raises(Tampered):
        archive.analysis(TENANT, RECORDING)
    content = forger.store.get(f"{FOLDER}/manifest.json")
    archive.store.put(f"{FOLDER}/manifest.json", [content], if_absent=False)
    with pytest.raises(KeyMissing, match="signed by"):
        archive.open(TENANT, RECORDING)


def test_a_manifest_without_its_audio_is_damage(archive: Archive) -> None:
    archived(archive, b"audio")
    archive.store.delete(f"{FOLDER}/audio.esdk")
    with pytest.raises(Tampered, match="not there"):
        archive.open(TENANT, RECORDING)


def test_audio_without_its_manifest_is_not_archived(archive: Archive) -> None:
    archived(archive, b"audio")
    archive.store.delete(f"{FOLDER}/manifest.json")
    with pytest.raises(NotStored):
        archive.open(TENANT, RECORDING)


def test_a_flipped_byte_is_met_where_it_is_read(archive: Archive) -> None:
    archived(archive, CONTENT)
    content = bytearray(archive.store.get(f"{FOLDER}/audio.esdk"))
    content[len(content) // 2] ^= 1
    archive.store.put(f"{FOLDER}/audio.esdk", [bytes(content)], if_absent=False)
    audio = archive.open(TENANT, RECORDING)
    assert b"".join(audio.read(0, 1000)) == CONTENT[:1000]
    with pytest.raises(Tampered):
        b"".join(audio.read())
    with pytest.raises(Tampered):
        b"".join(archive.decrypted(audio.manifest, "audio"))


def test_the_missing_key_is_named(archive: Archive, other_pair: KeyPair, pair: KeyPair) -> None:
    archived(archive, b"audio", analysis={"x": 1})
    stranger = Archive(
        archive.store,
        decryption_keys=DecryptionKeys.of_private_keys([other_pair.private_pem]),
        verifiers=archive._verifiers,
    )
    for call in (stranger.open, stranger.analysis):
        with pytest.raises(KeyMissing, match=pair.name):
            call(TENANT, RECORDING)


def test_a_store_out_of_reach_is_said_so(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    archived(archive, b"audio")

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(archive.store, "stat", away)
    with pytest.raises(StoreUnavailable):
        archive.open(TENANT, RECORDING)
