"""Replaced objects: one manifest after the other, on a directory and a bucket."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from addon.archive.archive import Archive
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.manifest import Manifest, Signer
from addon.archive.names import files
from addon.archive.replacement import (
    BEING_MUTED,
    discard_staged,
    finish,
    is_unfinished,
    replace_objects,
    stage,
)
from addon.archive.s3 import S3Store
from addon.archive.store import Stat
from addon.archive.verification import verify, verify_all
from addon.errors import AlreadyStored, NotStored
from tests.archive.buckets import new_bucket, s3_client
from tests.archive.recordings import RECORDING, TENANT, archived, noise

BEFORE, AFTER = noise(100_000), noise(100_000, seed=2)


@pytest.fixture(params=["directory", "bucket"])
def either(request: pytest.FixtureRequest, archive: Archive) -> Archive:
    """An archive on either kind of store with one recording."""
    if request.param == "bucket":
        archive.store = request.getfixturevalue("bucket")
        archive.access_log.store = archive.store
    archived(archive, BEFORE, analysis={"text": "before"}, redaction="complete")
    return archive


def staged(archive: Archive, manifest: Manifest) -> dict:
    return {
        "audio": stage(archive, manifest, "audio", [AFTER]),
        "analysis": stage(archive, manifest, "analysis", [b'{"text": "after"}']),
    }


def heard(archive: Archive) -> bytes:
    return b"".join(archive.open(TENANT, RECORDING).read())


def test_audio_analysis_and_facts_are_replaced(either: Archive) -> None:
    manifest = either.manifest(TENANT, RECORDING)
    facts = replace(manifest.facts, redacted=True, format="flac")
    after = replace_objects(either, manifest, staged(either, manifest), facts)
    assert verify(either, TENANT, RECORDING) == after
    assert after.facts == facts
    assert (heard(either), either.analysis(TENANT, RECORDING)) == (AFTER, {"text": "after"})
    assert not is_unfinished(either, after)


def test_audio_that_is_not_muted_yet_is_never_called_complete(
    either: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = either.manifest(TENANT, RECORDING)
    new, seen, put = staged(either, manifest), [], either.store.put

    def looking(key: str, blocks: Iterable[bytes], **options: Any) -> Stat:
        if key.endswith(".esdk"):
            seen.append(either.manifest(TENANT, RECORDING).facts)
        return put(key, blocks, **options)

    monkeypatch.setattr(either.store, "put", looking)
    replace_objects(either, manifest, new, replace(manifest.facts, redacted=True))
    assert len(seen) == 2
    assert {(one.redaction, one.redaction_reason) for one in seen} == {("incomplete", BEING_MUTED)}
    assert either.manifest(TENANT, RECORDING).facts.redaction == "complete"


def test_a_part_whose_staged_object_is_lost_stays_the_one_before(
    either: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = either.manifest(TENANT, RECORDING)
    new = staged(either, manifest)
    with monkeypatch.context() as patch:
        patch.setattr("addon.archive.replacement.finish", lambda archive, after: after)
        after = replace_objects(either, manifest, new, replace(manifest.facts, redacted=True))
    assert is_unfinished(either, after)
    assert heard(either) == BEFORE
    discard_staged(either, after)
    last = finish(either, after)
    assert heard(either) == BEFORE
    assert (last.audio, last.analysis) == (manifest.audio, manifest.analysis)
    assert last.facts.redaction == "incomplete"
    assert not last.facts.redacted
    assert verify(either, TENANT, RECORDING) == last


def test_an_interrupted_one_is_finished(either: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = either.manifest(TENANT, RECORDING)
    new, facts = staged(either, manifest), replace(manifest.facts, redacted=True)
    with monkeypatch.context() as patch:
        patch.setattr("addon.archive.replacement.finish", lambda archive, after: after)
        replace_objects(either, manifest, new, facts)
    last = finish(either, either.manifest(TENANT, RECORDING))
    assert last.facts == facts
    assert heard(either) == AFTER
    assert finish(either, last) == last


def test_a_recording_that_another_process_replaced_is_left_as_it_is(either: Archive) -> None:
    manifest = either.manifest(TENANT, RECORDING)
    theirs = replace_objects(
        either, manifest, {"analysis": stage(either, manifest, "analysis", [b'{"text": "theirs"}'])}
    )
    with pytest.raises(AlreadyStored):
        replace_objects(
            either, manifest, {"audio": stage(either, manifest, "audio", [AFTER])}, manifest.facts
        )
    assert either.manifest(TENANT, RECORDING) == theirs
    assert heard(either) == BEFORE
    assert not is_unfinished(either, theirs)


def test_an_erased_recording_stays_erased(either: Archive) -> None:
    manifest = either.manifest(TENANT, RECORDING)
    new = staged(either, manifest)
    either.erase(TENANT, RECORDING, by="test", reason="asked")
    with pytest.raises(NotStored):
        replace_objects(either, manifest, new, manifest.facts)
    keys = [stat.key for stat in either.store.list("recordings/")]
    assert keys == [files(TENANT, RECORDING).tombstone]


def test_what_replaces_a_locked_object_is_locked_as_long(
    aws: str,
    encryption_keys: EncryptionKeys,
    decryption_keys: DecryptionKeys,
    signer: Signer,
) -> None:
    client = s3_client(aws)
    bucket = new_bucket(client, ObjectLockEnabledForBucket=True)
    archive = Archive(
        S3Store(bucket, "", client=client),
        encryption_keys=encryption_keys,
        decryption_keys=decryption_keys,
        signer=signer,
        lock=timedelta(days=30),
    )
    archived(archive, BEFORE, analysis={"text": "before"})
    keys = files(TENANT, RECORDING)

    def until(key: str) -> object:
        return client.head_object(Bucket=bucket, Key=key)["ObjectLockRetainUntilDate"]

    locks = [until(key) for key in (keys.audio, keys.analysis, keys.manifest)]
    manifest = archive.manifest(TENANT, RECORDING)
    replace_objects(archive, manifest, staged(archive, manifest), manifest.facts)
    assert [until(key) for key in (keys.audio, keys.analysis, keys.manifest)] == locks
    assert heard(archive) == AFTER


def test_what_a_killed_process_left_beside_a_tombstone_is_named_and_goes(archive: Archive) -> None:
    archived(archive, BEFORE)
    archive.erase(TENANT, RECORDING, by="test", reason="asked")
    archive.store.put(files(TENANT, RECORDING).analysis, [b"ciphertext"])
    (found,) = verify_all(archive)
    assert (found.state, "erase it again" in found.problem) == ("bad", True)
    archive.erase(TENANT, RECORDING, by="test", reason="asked")
    (found,) = verify_all(archive)
    assert found.state == "erased"
    with pytest.raises(NotStored):
        archive.erase(TENANT, RECORDING, by="test", reason="asked")
