from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from addon.archive.archive import Archive
from addon.archive.directory import DirectoryStore
from addon.archive.holds import Hold
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.manifest import Signer
from addon.archive.signed_documents import DocumentSigner
from addon.errors import KeyMissing, NotStored, OnLegalHold
from tests.archive.recordings import RECORDING, TENANT, archived

NOW = datetime(2026, 12, 31, 12, tzinfo=UTC)
KEY = f"holds/{TENANT}/{RECORDING}"
HOLD = Hold(TENANT, RECORDING, "Ada", NOW, "case 7")


def after(minutes: int) -> Hold:
    return replace(HOLD, by="Cy", at=NOW + timedelta(minutes=minutes), reason="case closed")


@pytest.fixture
def archive(
    directory: DirectoryStore,
    encryption_keys: EncryptionKeys,
    decryption_keys: DecryptionKeys,
    signer: Signer,
) -> Archive:
    made = Archive(
        directory,
        encryption_keys=encryption_keys,
        decryption_keys=decryption_keys,
        signer=signer,
        control_signer=DocumentSigner([b"k" * 32]),
    )
    archived(made, b"audio", analysis={"x": 1})
    return made


def erase(archive: Archive) -> None:
    archive.erase(TENANT, RECORDING, by="Bo", reason="asked", now=NOW)


def refused(archive: Archive) -> str:
    """The message with which an erasure is refused; nothing is gone then."""
    with pytest.raises(OnLegalHold) as raised:
        erase(archive)
    assert b"".join(archive.open(TENANT, RECORDING).read()) == b"audio"
    return raised.value.message


def test_a_held_recording_is_erased_by_nobody_until_the_hold_is_lifted(archive: Archive) -> None:
    archive.holds.place(HOLD, archive.manifest)
    assert archive.holds.get(TENANT, RECORDING) == HOLD
    assert list(archive.holds.all()) == [HOLD]
    assert "2026-12-31: case 7" in refused(archive)
    ((_, gone),) = archive.erase_older(lambda _: 1, now=NOW)
    assert not gone
    archive.holds.lift(after(1))
    assert archive.holds.get(TENANT, RECORDING) is None
    events = [e["event"] for e in archive.access_log.events(TENANT, RECORDING)]
    assert events == ["held", "released"]
    erase(archive)


def test_a_hold_that_was_removed_from_the_store_still_holds(archive: Archive) -> None:
    archive.holds.place(HOLD, archive.manifest)
    archive.store.delete(KEY)
    assert "removed or replaced" in refused(archive)


def test_a_lifted_hold_that_is_put_back_over_a_newer_one_still_holds(archive: Archive) -> None:
    archive.holds.place(HOLD, archive.manifest)
    archive.holds.lift(after(1))
    lifted = archive.store.get(KEY)
    archive.holds.place(after(2), archive.manifest)
    archive.store.put(KEY, [lifted], if_absent=False)
    assert "removed or replaced" in refused(archive)
    archive.holds.lift(after(3))
    erase(archive)


@pytest.mark.parametrize("content", [b"junk", b'{"version":1,"held":false}'])
def test_what_cannot_be_believed_counts_as_a_hold_and_can_be_lifted(
    archive: Archive, content: bytes
) -> None:
    archive.store.put(KEY, [content], if_absent=False)
    refused(archive)
    (found,) = archive.holds.all()
    assert found.trouble
    archive.holds.lift(HOLD)
    erase(archive)


def test_a_recording_that_is_gone_or_was_never_there_cannot_be_held(archive: Archive) -> None:
    with pytest.raises(NotStored):
        archive.holds.place(replace(HOLD, recording_id="RE0"), archive.manifest)
    with pytest.raises(NotStored):
        archive.holds.lift(HOLD)
    erase(archive)
    with pytest.raises(NotStored):
        archive.holds.place(HOLD, archive.manifest)


def test_a_process_without_a_control_key_holds_nothing(archive: Archive) -> None:
    reader = Archive(archive.store, verifiers=archive._verifiers)
    with pytest.raises(KeyMissing):
        reader.holds.lift(HOLD) if reader.holds.standing(TENANT, RECORDING) else (
            reader.holds.place(HOLD, reader.manifest)
        )
