from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from addon.archive.access_log import AccessLog
from addon.archive.archive import Archive
from addon.archive.keys import DecryptionKeys
from addon.errors import KeyMissing, NotStored, RetentionLocked, StoreUnavailable
from tests.archive.recordings import CALL, RECORDING, TENANT, archived

NOW = datetime(2026, 12, 31, 12, tzinfo=UTC)
FOLDER = f"recordings/{TENANT}/{RECORDING}"


def stored(archive: Archive) -> list[str]:
    return [stat.key for stat in archive.store.list()]


def erase_it(archive: Archive) -> None:
    archive.erase(TENANT, RECORDING, by="Ada", reason="asked by the caller", now=NOW)


def test_an_erasure_leaves_a_tombstone_and_a_access_log_only(archive: Archive) -> None:
    manifest = archived(archive, b"audio", analysis={"x": 1})
    erase_it(archive)
    tombstone, access_log = sorted(stored(archive), reverse=True)
    assert tombstone == f"{FOLDER}/tombstone.json"
    assert access_log.startswith(f"audit/{TENANT}/{RECORDING}/")
    stone = archive.tombstone(TENANT, RECORDING)
    assert (stone["by"], stone["reason"]) == ("Ada", "asked by the caller")
    assert stone["audio_sha256"] == manifest.audio.sha256
    (event,) = AccessLog(archive.store).events(TENANT, RECORDING)
    assert (event["event"], event["by"]) == ("erased", "Ada")


def test_what_is_erased_is_found_nowhere(archive: Archive) -> None:
    archived(archive, b"audio", analysis={"x": 1})
    erase_it(archive)
    assert archive.find(RECORDING) == ()
    assert archive.list(TENANT).entries == ()
    assert archive.list(TENANT, call_sid=CALL).entries == ()
    for call in (archive.open, archive.manifest, archive.analysis):
        with pytest.raises(NotStored):
            call(TENANT, RECORDING)
    with pytest.raises(NotStored):
        erase_it(archive)


def test_what_was_never_there_cannot_be_erased(archive: Archive) -> None:
    with pytest.raises(NotStored):
        erase_it(archive)
    with pytest.raises(NotStored):
        archive.tombstone(TENANT, RECORDING)


@pytest.mark.parametrize("fails_at", range(9))
def test_an_interrupted_erasure_is_finished_by_asking_again(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    archived(archive, b"audio", analysis={"x": 1})
    left, delete, put = [fails_at], archive.store.delete, archive.store.put

    def failing(call):  # type: ignore[no-untyped-def]
        def called(*args: object, **options: object) -> object:
            if not left[0]:
                raise StoreUnavailable("away")
            left[0] -= 1
            return call(*args, **options)

        return called

    monkeypatch.setattr(archive.store, "delete", failing(delete))
    monkeypatch.setattr(archive.store, "put", failing(put))
    with pytest.raises(StoreUnavailable):
        erase_it(archive)
    monkeypatch.undo()
    erase_it(archive)
    assert [key for key in stored(archive) if not key.startswith("audit/")] == [
        f"{FOLDER}/tombstone.json"
    ]
    events = [event["event"] for event in AccessLog(archive.store).events(TENANT, RECORDING)]
    assert events == ["erased"]


def test_a_locked_recording_stays_whole(archive: Archive) -> None:
    manifest = archived(archive, b"audio", analysis={"x": 1})
    archive.store.retain(f"{FOLDER}/audio.esdk", datetime.now(UTC) + timedelta(days=1))
    before = stored(archive)
    with pytest.raises(RetentionLocked):
        erase_it(archive)
    assert stored(archive) == before
    assert archive.manifest(TENANT, RECORDING) == manifest
    archive.complete(manifest)


def test_a_process_that_cannot_sign_erases_nothing(
    archive: Archive, decryption_keys: DecryptionKeys
) -> None:
    archived(archive, b"audio")
    reader = Archive(archive.store, decryption_keys=decryption_keys, verifiers=archive._verifiers)
    with pytest.raises(KeyMissing):
        erase_it(reader)
    assert b"".join(reader.open(TENANT, RECORDING).read()) == b"audio"


class TestSweep:
    def test_what_is_older_goes_and_what_is_younger_stays(self, archive: Archive) -> None:
        for days in (5, 29, 31, 400):
            archived(archive, b"x", recording_id=f"RE{days}", started_at=NOW - timedelta(days=days))
        archived(archive, b"x", tenant="XD9", started_at=NOW - timedelta(days=99))
        swept = list(archive.erase_older(lambda _: 30, now=NOW))
        assert [(entry.recording_id, gone) for entry, gone in swept] == [
            ("RE400", True),
            ("RE31", True),
            (RECORDING, True),
        ]
        left = [entry.recording_id for entry in archive.list(TENANT).entries]
        assert left == ["RE29", "RE5"]
        assert archive.tombstone("XD9", RECORDING)["by"] == "retention"
        assert list(archive.erase_older(lambda _: 30, now=NOW)) == []

    def test_what_is_locked_waits(self, archive: Archive) -> None:
        archived(archive, b"x", started_at=NOW - timedelta(days=99))
        key = f"{FOLDER}/audio.esdk"
        archive.store.retain(key, datetime.now(UTC) + timedelta(days=1))
        ((_, gone),) = archive.erase_older(lambda _: 30, now=NOW)
        assert not gone
        archive.store.retain(key, datetime.now(UTC) - timedelta(days=1))
        ((_, gone),) = archive.erase_older(lambda _: 30, now=NOW)
        assert gone

    def test_an_entry_whose_recording_is_gone_is_cleared(self, archive: Archive) -> None:
        archived(archive, b"x", started_at=NOW - timedelta(days=99))
        archive.store.delete(f"{FOLDER}/manifest.json")
        assert len(list(archive.erase_older(lambda _: 30, now=NOW))) == 1
        assert archive.list(TENANT).entries == ()


@pytest.mark.parametrize("fails_at", range(4))
def test_an_erasure_that_is_interrupted_is_told_of_all_the_same(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    """At the index, at the manifest, or while it is told: asking again comes to it once more."""
    archived(archive, b"audio", analysis={"x": 1})
    told: list[tuple[str, str]] = []
    archive.at_erasure(lambda manifest, by: told.append((manifest.recording_id, by)))
    delete, left = archive.store.delete, [fails_at]

    def dying(key: str) -> None:
        if told and not left[0]:
            raise StoreUnavailable("killed")
        left[0] -= bool(told)
        delete(key)

    with monkeypatch.context() as patch:
        patch.setattr(archive.store, "delete", dying)
        with pytest.raises(StoreUnavailable):
            erase_it(archive)
    assert told == [(RECORDING, "Ada")]
    erase_it(archive)
    assert set(told) == {(RECORDING, "Ada")}
    assert len(told) == 2


def test_what_cannot_be_told_is_not_erased_for_good(archive: Archive) -> None:
    archived(archive, b"audio", analysis={"x": 1})
    troubles = [StoreUnavailable("away")]

    def telling(*_: object) -> None:
        if troubles:
            raise troubles.pop()

    archive.at_erasure(telling)
    with pytest.raises(StoreUnavailable):
        erase_it(archive)
    erase_it(archive)
    with pytest.raises(NotStored):
        erase_it(archive)


def test_of_a_recording_that_a_lock_holds_nothing_is_told(archive: Archive) -> None:
    archived(archive, b"audio")
    told: list[object] = []
    archive.at_erasure(lambda *facts: told.append(facts))
    archive.store.retain(f"{FOLDER}/audio.esdk", datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(RetentionLocked):
        erase_it(archive)
    assert told == []
