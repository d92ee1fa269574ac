from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from addon.archive.archive import Archive
from addon.archive.deposit import Reencoded
from addon.archive.directory import DirectoryStore
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.manifest import Signer
from addon.archive.s3 import S3Store
from addon.archive.store import Stat
from addon.errors import (
    AlreadyStored,
    ArchiveMismatch,
    KeyMissing,
    NotStored,
    RetentionLocked,
    StoreUnavailable,
    Tampered,
    UnreadableAudio,
)
from tests.archive.buckets import new_bucket, s3_client
from tests.archive.recordings import FACTS, RECORDING, TENANT, archived, facts_of, noise

FOLDER = f"recordings/{TENANT}/{RECORDING}"


def stored(archive: Archive) -> list[str]:
    return [stat.key for stat in archive.store.list()]


def test_a_deposit_is_archived_once_it_is_committed(archive: Archive) -> None:
    content = noise(200_000)
    with archive.deposit(TENANT, RECORDING) as deposit:
        deposit.audio([content])
        deposit.analysis({"schema_version": 1})
        with pytest.raises(NotStored):
            archive.manifest(TENANT, RECORDING)
        manifest = deposit.commit(facts_of(content))
    assert archive.manifest(TENANT, RECORDING) == manifest
    assert b"".join(archive.open(TENANT, RECORDING).read()) == content
    assert archive.analysis(TENANT, RECORDING) == {"schema_version": 1}


def test_a_worker_needs_no_key_that_opens(
    directory: DirectoryStore, encryption_keys: EncryptionKeys, signer: Signer
) -> None:
    worker = Archive(directory, encryption_keys=encryption_keys, signer=signer)
    archived(worker, b"audio")
    worker.complete(worker.manifest(TENANT, RECORDING))
    with pytest.raises(KeyMissing, match=encryption_keys.names[0]):
        worker.open(TENANT, RECORDING)


@pytest.mark.parametrize("missing", ["encryption_keys", "signer"])
def test_a_reader_cannot_deposit(
    missing: str, directory: DirectoryStore, encryption_keys: EncryptionKeys, signer: Signer
) -> None:
    keys = {"encryption_keys": encryption_keys, "signer": signer} | {missing: None}
    with pytest.raises(KeyMissing):
        Archive(directory, **keys).deposit(TENANT, RECORDING)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [10, 20_000_000])
@pytest.mark.parametrize("where", ["directory", "bucket"])
def test_a_deposit_left_early_leaves_nothing(
    size: int,
    where: str,
    request: pytest.FixtureRequest,
    encryption_keys: EncryptionKeys,
    signer: Signer,
) -> None:
    archive = Archive(
        request.getfixturevalue(where), encryption_keys=encryption_keys, signer=signer
    )

    def blocks() -> Iterator[bytes]:
        yield bytes(size)
        raise UnreadableAudio("no such codec")

    with pytest.raises(UnreadableAudio), archive.deposit(TENANT, RECORDING) as deposit:
        deposit.audio(blocks())
    assert stored(archive) == []
    with pytest.raises(ZeroDivisionError), archive.deposit(TENANT, RECORDING) as deposit:
        deposit.audio([b"audio"])
        deposit.analysis({"x": 1})
        assert len(stored(archive)) == 2
        1 / 0  # noqa: B018
    assert stored(archive) == []
    with archive.deposit(TENANT, RECORDING) as deposit:
        deposit.audio([b"never committed"])
    assert stored(archive) == []


def test_a_committed_recording_is_never_replaced(archive: Archive) -> None:
    archived(archive, b"first")
    for _ in range(2):
        with pytest.raises(AlreadyStored), archive.deposit(TENANT, RECORDING) as deposit:
            deposit.audio([b"second"])
    assert b"".join(archive.open(TENANT, RECORDING).read()) == b"first"


def test_an_erased_recording_does_not_come_back(archive: Archive) -> None:
    archived(archive, b"audio")
    archive.erase(TENANT, RECORDING, by="test", reason="asked")
    with pytest.raises(AlreadyStored, match="erased"):
        archived(archive, b"a late duplicate")


def test_what_a_crash_left_is_replaced(archive: Archive) -> None:
    for name in ("audio.esdk", "analysis.esdk"):
        archive.store.put(f"{FOLDER}/{name}", [b"left by a crash"])
    archived(archive, b"audio", analysis={"x": 1})
    assert b"".join(archive.open(TENANT, RECORDING).read()) == b"audio"


def test_there_is_no_commit_without_audio(archive: Archive) -> None:
    with pytest.raises(ValueError, match="audio"), archive.deposit(TENANT, RECORDING) as deposit:
        deposit.analysis({"x": 1})
        deposit.commit(FACTS)
    assert stored(archive) == []


def test_a_recording_without_analysis_says_so(archive: Archive) -> None:
    archived(archive, b"audio")
    with pytest.raises(NotStored, match="without an analysis"):
        archive.analysis(TENANT, RECORDING)


class TestNeverLessThanWhatCame:
    """A commit that would lose something is refused, and leaves nothing behind."""

    @pytest.mark.parametrize(
        ("sealed", "changes"),
        [
            (b"audi", {}),
            (b"audio and more", {}),
            (b"audi0", {}),
            (b"audi", {"redacted": True}),
        ],
        ids=["shorter", "longer", "other bytes", "shorter and muted"],
    )
    def test_bytes_other_than_those_received(
        self, archive: Archive, sealed: bytes, changes: dict[str, Any]
    ) -> None:
        with (
            pytest.raises(ArchiveMismatch),
            archive.deposit(TENANT, RECORDING) as deposit,
        ):
            deposit.audio([sealed])
            deposit.commit(facts_of(b"audio", **changes))
        assert stored(archive) == []

    def test_muted_bytes_of_the_same_length_are_committed(self, archive: Archive) -> None:
        with archive.deposit(TENANT, RECORDING) as deposit:
            deposit.audio([b"a...o"])
            deposit.commit(facts_of(b"audio", redacted=True))
        assert b"".join(archive.open(TENANT, RECORDING).read()) == b"a...o"

    @pytest.mark.parametrize("archived_frames", [7999, 8001, 0])
    def test_other_frames_than_were_heard(self, archive: Archive, archived_frames: int) -> None:
        with (
            pytest.raises(ArchiveMismatch, match="of 8000 sample frames"),
            archive.deposit(TENANT, RECORDING) as deposit,
        ):
            deposit.audio([b"encoded anew"])
            deposit.commit(facts_of(b"audio", redacted=True), Reencoded(8000, archived_frames))
        assert stored(archive) == []

    def test_as_many_frames_as_were_heard_are_committed(self, archive: Archive) -> None:
        with archive.deposit(TENANT, RECORDING) as deposit:
            deposit.audio([b"encoded anew"])
            deposit.commit(facts_of(b"audio", redacted=True), Reencoded(8000, 8000))
        archive.complete(archive.manifest(TENANT, RECORDING))

    def test_it_can_be_asked_before_the_commit(self, archive: Archive) -> None:
        with archive.deposit(TENANT, RECORDING) as deposit:
            deposit.audio([b"audio"])
            deposit.compare(facts_of(b"audio"))
            with pytest.raises(ArchiveMismatch):
                deposit.compare(facts_of(b"audio and more"))


class TestTwoWorkersAtOnce:
    """Very rare, and whoever wins: manifest and objects belong together in the end."""

    def test_the_later_audio_wins_where_it_commits_first(self, archive: Archive) -> None:
        with archive.deposit(TENANT, RECORDING) as one:
            one.audio([b"audio"])
            with archive.deposit(TENANT, RECORDING) as two:
                two.audio([b"audio"])
                two.commit(facts_of(b"audio"))
            with pytest.raises(StoreUnavailable, match="another worker"):
                one.commit(facts_of(b"audio"))
        archive.complete(archive.manifest(TENANT, RECORDING))
        assert b"".join(archive.open(TENANT, RECORDING).read()) == b"audio"

    def test_a_manifest_whose_audio_was_replaced_is_replaced_too(self, archive: Archive) -> None:
        """Two sees what a crash left, one commits, two writes over it: the store holds two's."""
        archive.store.put(f"{FOLDER}/audio.esdk", [b"left by a crash"])
        with archive.deposit(TENANT, RECORDING) as two:
            manifest = archived(archive, b"audio")
            archive.store.delete(f"{FOLDER}/manifest.json")
            two.audio([b"audio"])
            archive.store.put(
                f"{FOLDER}/manifest.json",
                [archive.signer.sign("manifest", manifest.as_document())],
            )
            with pytest.raises(Tampered):
                archive.complete(archive.manifest(TENANT, RECORDING))
            assert two.commit(facts_of(b"audio")).audio != manifest.audio
        archive.complete(archive.manifest(TENANT, RECORDING))
        assert b"".join(archive.open(TENANT, RECORDING).read()) == b"audio"

    def test_what_another_worker_has_written_since_is_not_removed(self, archive: Archive) -> None:
        with archive.deposit(TENANT, RECORDING) as two, archive.deposit(TENANT, RECORDING) as one:
            one.audio([b"audio"])
            with pytest.raises(StoreUnavailable, match="another worker"):
                two.audio([b"audio"])
            one.commit(facts_of(b"audio"))
        archive.complete(archive.manifest(TENANT, RECORDING))

    def test_the_loser_learns_that_the_recording_is_archived(
        self, archive: Archive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another worker's whole deposit lands just before this one's manifest."""
        put = archive.store.put

        def put_late(key: str, blocks: Iterable[bytes], **options: Any) -> Stat:
            if key.endswith("manifest.json"):
                monkeypatch.undo()
                archived(archive, b"audio")
            return put(key, blocks, **options)

        with archive.deposit(TENANT, RECORDING) as one:
            one.audio([b"audio"])
            monkeypatch.setattr(archive.store, "put", put_late)
            with pytest.raises(AlreadyStored, match="another worker"):
                one.commit(facts_of(b"audio"))
        archive.complete(archive.manifest(TENANT, RECORDING))
        assert b"".join(archive.open(TENANT, RECORDING).read()) == b"audio"

    def test_mixed_objects_are_tried_again(self, archive: Archive) -> None:
        for name in ("audio", "analysis"):
            archive.store.put(f"{FOLDER}/{name}.esdk", [b"left by a crash, and seen by both"])
        with archive.deposit(TENANT, RECORDING) as one, archive.deposit(TENANT, RECORDING) as two:
            one.audio([b"audio"])
            two.audio([b"audio"])
            two.analysis({"by": "two"})
            one.analysis({"by": "one"})
            for deposit in (one, two):
                with pytest.raises(StoreUnavailable, match="another worker"):
                    deposit.commit(facts_of(b"audio"))
        assert stored(archive) == []
        archived(archive, b"audio", analysis={"by": "three"})

    def test_leaving_takes_back_only_what_is_its_own(self, archive: Archive) -> None:
        with archive.deposit(TENANT, RECORDING) as one:
            one.audio([b"audio"])
            with archive.deposit(TENANT, RECORDING) as two:
                two.audio([b"audio"])
                two.commit(facts_of(b"audio"))
        archive.complete(archive.manifest(TENANT, RECORDING))


class TestConfirm:
    def test_it_finishes_what_a_crash_left_undone(self, archive: Archive) -> None:
        manifest = archived(archive, b"audio")
        for stat in list(archive.store.list()):
            if not stat.key.startswith("recordings/"):
                archive.store.delete(stat.key)
        assert archive.find(RECORDING) == ()
        assert archive.manifest(TENANT, RECORDING) == manifest
        archive.complete(manifest)
        assert archive.find(RECORDING) == (TENANT,)
        assert len(archive.list(TENANT).entries) == 1

    def test_it_refuses_what_is_not_committed(self, archive: Archive) -> None:
        with pytest.raises(NotStored):
            archive.complete(archive.manifest(TENANT, RECORDING))

    @pytest.mark.parametrize("name", ["audio.esdk", "analysis.esdk"])
    def test_it_refuses_objects_that_are_not_the_manifests(
        self, archive: Archive, name: str
    ) -> None:
        archived(archive, b"audio", analysis={"x": 1})
        archive.store.delete(f"{FOLDER}/{name}")
        with pytest.raises(Tampered):
            archive.complete(archive.manifest(TENANT, RECORDING))


class TestLock:
    @pytest.fixture
    def locking(self, tmp_path: Path, encryption_keys: EncryptionKeys, signer: Signer) -> Archive:
        store = DirectoryStore(tmp_path)
        return Archive(
            store, encryption_keys=encryption_keys, signer=signer, lock=timedelta(days=30)
        )

    def test_a_commit_locks_every_object(self, locking: Archive) -> None:
        archived(locking, b"audio", analysis={"x": 1})
        for name in ("audio.esdk", "analysis.esdk", "manifest.json"):
            with pytest.raises(RetentionLocked):
                locking.store.delete(f"{FOLDER}/{name}")

    def test_an_uncommitted_object_is_not_locked(self, locking: Archive) -> None:
        with locking.deposit(TENANT, RECORDING) as deposit:
            deposit.audio([b"audio"])
        assert stored(locking) == []

    def test_a_lock_that_a_crash_prevented_is_set_by_complete(
        self, locking: Archive, encryption_keys: EncryptionKeys, signer: Signer
    ) -> None:
        archived(Archive(locking.store, encryption_keys=encryption_keys, signer=signer), b"audio")
        locking.complete(locking.manifest(TENANT, RECORDING))
        with pytest.raises(RetentionLocked):
            locking.store.delete(f"{FOLDER}/audio.esdk")

    def test_a_leftover_that_the_bucket_locked_is_written_over(
        self,
        aws: str,
        encryption_keys: EncryptionKeys,
        decryption_keys: DecryptionKeys,
        signer: Signer,
    ) -> None:
        client = s3_client(aws)
        store = S3Store(new_bucket(client, ObjectLockEnabledForBucket=True), client=client)
        archive = Archive(
            store, encryption_keys=encryption_keys, decryption_keys=decryption_keys, signer=signer
        )
        store.put(f"{FOLDER}/audio.esdk", [b"left by a crash"])
        store.retain(f"{FOLDER}/audio.esdk", datetime.now(UTC) + timedelta(days=1))
        archived(archive, b"audio")
        assert b"".join(archive.open(TENANT, RECORDING).read()) == b"audio"
