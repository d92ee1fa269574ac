"""What somebody plants in the archive hides no recording, shows none and erases none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from addon.archive import index
from addon.archive.archive import Archive
from addon.archive.manifest import Signer, new_signing_key
from addon.archive.names import Entry, files
from addon.archive.planted import PlantedObjects
from addon.archive.reencryption import reencrypt
from addon.archive.store import Store
from addon.archive.verification import verify, verify_all
from addon.errors import NotStored, Tampered
from tests.archive.recordings import CALL, RECORDING, TENANT, archived

OTHER = "XD" + "9" * 32
NOW = datetime(2026, 12, 31, 12, tzinfo=UTC)
KEYS = files(TENANT, RECORDING)


@pytest.fixture(params=["directory", "bucket"])
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def archive(store: Store, encryption_keys, decryption_keys, signer) -> Archive:
    return Archive(
        store, encryption_keys=encryption_keys, decryption_keys=decryption_keys, signer=signer
    )


@pytest.fixture
def fresh(store: Store, encryption_keys, decryption_keys, signer) -> Callable[[], Archive]:
    """Another process with the same keys."""
    return lambda: Archive(
        store, encryption_keys=encryption_keys, decryption_keys=decryption_keys, signer=signer
    )


def overwrite(archive: Archive, key: str, content: bytes) -> None:
    archive.store.put(key, [content], if_absent=False)


def erase(archive: Archive, recording_id: str = RECORDING) -> None:
    archive.erase(TENANT, recording_id, by="Ada", reason="asked", now=NOW)


def test_a_planted_object_is_named_once() -> None:
    planted = PlantedObjects()
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            planted.report("tokens/a", "not signed")
            planted.report("tokens/b", "not signed")
    assert [line["object"] for line in lines] == ["tokens/a", "tokens/b"]
    assert all(line["alarm"] and line["reason"] == "not signed" for line in lines)


# Tombstones


def stone(signer: Signer, **changes: object) -> bytes:
    document = {"version": 1, "tenant": TENANT, "recording_id": RECORDING, **changes}
    return signer.sign("tombstone", document)


TOMBSTONES: dict[str, Callable[[Signer], bytes]] = {
    "unsigned": lambda signer: json.dumps({"tombstone": {"tenant": TENANT}}).encode(),
    "garbage": lambda signer: b"\xff",
    "empty": lambda signer: b"",
    "of another recording": lambda signer: stone(signer, recording_id="RE2"),
    "of another tenant": lambda signer: stone(signer, tenant=OTHER),
    "another key": lambda signer: stone(Signer(new_signing_key())),
    "another kind": lambda signer: signer.sign("manifest", json.loads(stone(signer))["tombstone"]),
    "changed": lambda signer: stone(signer, recording_id="RE2").replace(b"RE2", RECORDING.encode()),
}


@pytest.mark.parametrize("planted", TOMBSTONES.values(), ids=TOMBSTONES)
def test_a_planted_tombstone_hides_nothing(archive, signer, planted) -> None:
    archived(archive, b"audio")
    overwrite(archive, KEYS.tombstone, planted(signer))
    assert b"".join(archive.open(TENANT, RECORDING).read()) == b"audio"
    assert archive.manifest(TENANT, RECORDING)
    assert [archive.listed(entry) is None for entry in archive.list(TENANT).entries] == [False]


@pytest.mark.parametrize("planted", TOMBSTONES.values(), ids=TOMBSTONES)
def test_a_planted_tombstone_gives_way_to_the_genuine_one(archive, signer, planted) -> None:
    archived(archive, b"audio")
    overwrite(archive, KEYS.tombstone, planted(signer))
    erase(archive)
    assert archive.tombstone(TENANT, RECORDING)["by"] == "Ada"


def put_back(archive: Archive, copies: dict[str, bytes]) -> None:
    for key, content in copies.items():
        overwrite(archive, key, content)


@pytest.fixture
def restored(archive: Archive) -> Archive:
    """An archive with an erased recording, of which everything was put back from a backup."""
    archived(archive, b"audio", analysis={"x": 1})
    copies = {
        stat.key: b"".join(archive.store.read(stat.key)) for stat in list(archive.store.list())
    }
    erase(archive)
    put_back(archive, copies)
    return archive


def test_an_erased_recording_that_was_put_back_is_nowhere(restored: Archive) -> None:
    for call in (restored.open, restored.manifest, restored.analysis):
        with pytest.raises(NotStored):
            call(TENANT, RECORDING)
    assert [restored.listed(entry) for entry in restored.list(TENANT).entries] == [None]
    assert [restored.listed(entry) for entry in restored.list(TENANT, call_sid=CALL).entries] == [
        None
    ]


def test_a_recording_that_was_put_back_can_be_erased_again(restored: Archive) -> None:
    before = restored.tombstone(TENANT, RECORDING)
    erase(restored)
    left = {stat.key.split("/")[0] for stat in restored.store.list()}
    assert left == {"recordings", "audit"}
    assert restored.tombstone(TENANT, RECORDING) == before


def test_what_was_opened_before_plays_no_longer_once_it_is_known_to_be_erased(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, fresh
) -> None:
    archived(archive, b"audio")
    content = b"".join(archive.store.read(KEYS.audio))
    monkeypatch.setattr("addon.archive.archive.ERASED_WITHIN_S", 0.0)
    listening = fresh()
    listening.open(TENANT, RECORDING)
    erase(archive)
    overwrite(archive, KEYS.audio, content)  # with the etag that it had in a bucket
    with pytest.raises((NotStored, Tampered)):
        b"".join(listening.open(TENANT, RECORDING).read())


def test_without_its_tombstone_an_erased_recording_that_was_put_back_is_one(
    restored, fresh
) -> None:
    """The limit: nothing else in the store says that it was erased but the access log."""
    restored.store.delete(KEYS.tombstone)
    assert b"".join(fresh().open(TENANT, RECORDING).read()) == b"audio"


# Index entries


def plant(archive: Archive, *keys: str) -> None:
    for key in keys:
        archive.store.put(key, ())


def shown(archive: Archive, tenant: str, **options: object) -> list[str]:
    entries = archive.list(tenant, **options).entries  # type: ignore[arg-type]
    found = [archive.listed(entry) for entry in entries]
    return [manifest.recording_id for manifest in found if manifest is not None]


def test_a_planted_entry_of_another_tenants_recording_shows_nothing(archive: Archive) -> None:
    archived(archive, b"audio", tenant=OTHER)
    plant(
        archive,
        f"days/{TENANT}/2026-11-20/235958-{RECORDING}",
        f"calls/{TENANT}/{CALL}/{RECORDING}",
        f"ids/{RECORDING}/{TENANT}",
    )
    assert shown(archive, TENANT) == []
    assert shown(archive, TENANT, call_sid=CALL) == []
    assert archive.find(RECORDING) == (OTHER,)
    with pytest.raises(NotStored):
        archive.open(TENANT, RECORDING)


def test_a_planted_entry_of_another_day_or_call_shows_nothing(archive: Archive) -> None:
    archived(archive, b"audio")
    plant(
        archive,
        f"days/{TENANT}/2026-12-24/000000-{RECORDING}",
        f"days/{TENANT}/2026-11-20/000000-{RECORDING}",
        f"days/{TENANT}/2026-11-20/000000",
        f"calls/{TENANT}/CA9/{RECORDING}",
    )
    assert shown(archive, TENANT) == [RECORDING]
    assert shown(archive, TENANT, call_sid="CA9") == []
    assert shown(archive, TENANT, call_sid=CALL) == [RECORDING]


def test_an_entry_with_a_body_is_but_its_name(archive: Archive) -> None:
    archived(archive, b"audio")
    for entry in archive.list(TENANT).entries:
        overwrite(archive, entry.key, b"garbage")
    assert shown(archive, TENANT) == [RECORDING]


def test_an_entry_is_confirmed_by_the_manifest_under_its_own_key_alone(archive: Archive) -> None:
    manifest = archived(archive, b"audio")
    for key in index.keys_of(manifest):
        assert archive.listed(Entry(TENANT, RECORDING, key)) == manifest
    assert archive.listed(Entry(TENANT, RECORDING, "")) is None


def test_a_planted_entry_of_an_old_day_lets_retention_erase_nothing_new(archive: Archive) -> None:
    archived(archive, b"audio", started_at=NOW - timedelta(days=1))
    archived(archive, b"old", recording_id="RE1", started_at=NOW - timedelta(days=99))
    planted = f"days/{TENANT}/2020-01-01/000000-{RECORDING}"
    plant(archive, planted, f"days/{OTHER}/2020-01-01/000000-{RECORDING}")
    looked_at = dict(archive.erase_older(lambda _: 30, now=NOW))
    assert {entry.key: gone for entry, gone in looked_at.items()}[planted] is False
    assert archive.find("RE1") == ()
    assert b"".join(archive.open(TENANT, RECORDING).read()) == b"audio"
    assert archive.store.stat(planted) is None


# Manifests


@pytest.mark.parametrize("kind", ["garbage", "unsigned", "another key", "moved", "changed"])
def test_a_planted_manifest_shows_nothing(archive: Archive, signer: Signer, kind: str) -> None:
    manifest = archived(archive, b"audio")
    genuine = archive.store.get(KEYS.manifest)
    document = replace(manifest, tenant=OTHER).as_document()
    content = {
        "garbage": b"\xff",
        "unsigned": json.dumps({"manifest": document}).encode(),
        "another key": Signer(new_signing_key()).sign("manifest", document),
        "moved": genuine,
        "changed": genuine.replace(TENANT.encode(), OTHER.encode()),
    }[kind]
    overwrite(archive, files(OTHER, RECORDING).manifest, content)
    plant(archive, f"ids/{RECORDING}/{OTHER}")
    with pytest.raises(Exception, match="manifest"):
        archive.manifest(OTHER, RECORDING)
    assert archive.manifest(TENANT, RECORDING) == manifest


def test_an_older_manifest_that_was_put_back_is_noticed(archive: Archive, fresh) -> None:
    archived(archive, b"audio", analysis={"x": 1})
    older = {key: b"".join(archive.store.read(key)) for key in KEYS[:3]}
    reencrypt(archive, TENANT, RECORDING, by="Ada")
    assert archive.manifest(TENANT, RECORDING).generation == 3
    put_back(archive, older)
    with pytest.raises(Tampered, match="older"):
        archive.manifest(TENANT, RECORDING)
    with pytest.raises(Tampered, match="older"):
        verify(fresh(), TENANT, RECORDING)
    assert [finding.state for finding in verify_all(fresh())] == ["bad"]


def test_a_manifest_without_a_replacement_has_no_generation_that_release_0_1_0_refuses(
    archive: Archive,
) -> None:
    archived(archive, b"audio")
    assert "generation" not in json.loads(archive.store.get(KEYS.manifest))["manifest"]
    verify(archive, TENANT, RECORDING)
