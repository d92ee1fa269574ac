from __future__ import annotations

import pytest

from addon.archive.archive import Archive
from addon.archive.batch import IN_A_ROW, Finding
from addon.archive.directory import DirectoryStore
from addon.archive.index_check import check_index
from addon.archive.key_pairs import KeyPair
from addon.archive.keys import DecryptionKeys
from addon.archive.reencryption import reencrypt_all
from addon.archive.verification import verify, verify_all
from addon.errors import NotStored, StoreUnavailable, Tampered
from tests.archive.recordings import RECORDING, TENANT, archived, noise

NAMES = [f"RE{number}" for number in range(5)]


@pytest.fixture
def filled(archive: Archive) -> Archive:
    for name in NAMES:
        archived(archive, noise(70_000), recording_id=name, analysis={"x": 1})
    return archive


@pytest.fixture
def keyless(filled: Archive) -> Archive:
    return Archive(filled.store, verifiers=filled._verifiers)


def damage(archive: Archive, recording_id: str, name: str, at: int = -1000) -> None:
    key = f"recordings/{TENANT}/{recording_id}/{name}"
    content = bytearray(archive.store.get(key))
    content[at % len(content)] ^= 1
    archive.store.put(key, [bytes(content)], if_absent=False)


def states(findings: list[Finding]) -> dict[str, str]:
    return {finding.recording_id: finding.state for finding in findings}


def test_all_is_whole(filled: Archive, keyless: Archive) -> None:
    for archive in (filled, keyless):
        findings = list(verify_all(archive))
        assert states(findings) == dict.fromkeys(NAMES, "whole")
        assert sum(finding.size for finding in findings) == sum(
            stat.size for stat in archive.store.list("recordings/")
        )


@pytest.mark.parametrize("name", ["audio.esdk", "analysis.esdk", "manifest.json"])
@pytest.mark.parametrize("with_key", [True, False])
def test_each_bad_object_is_named(
    filled: Archive, keyless: Archive, name: str, with_key: bool
) -> None:
    damage(filled, "RE2", name, at=200)
    findings = list(verify_all(filled if with_key else keyless))
    assert states(findings) == dict.fromkeys(NAMES, "whole") | {"RE2": "bad"}
    (bad,) = (finding for finding in findings if finding.state == "bad")
    assert bad.problem


def test_a_missing_object_is_bad(filled: Archive) -> None:
    filled.store.delete(f"recordings/{TENANT}/RE1/audio.esdk")
    assert states(list(verify_all(filled)))["RE1"] == "bad"


def test_the_key_that_is_missing_is_named(
    filled: Archive, other_pair: KeyPair, pair: KeyPair
) -> None:
    other = DecryptionKeys.of_private_keys([other_pair.private_pem])
    archive = Archive(filled.store, verifiers=filled._verifiers, decryption_keys=other)
    findings = list(verify_all(archive))
    assert {finding.state for finding in findings} == {"bad"}
    assert pair.name in findings[0].problem


def test_erased_and_unfinished_recordings_are_told_apart(filled: Archive) -> None:
    filled.erase(TENANT, "RE1", by="test", reason="asked")
    filled.store.delete(f"recordings/{TENANT}/RE3/manifest.json")
    found = states(list(verify_all(filled)))
    assert (found["RE1"], found["RE3"]) == ("erased", "unfinished")
    damage(filled, "RE1", "tombstone.json", at=40)
    assert states(list(verify_all(filled)))["RE1"] == "bad"


@pytest.mark.parametrize("at", range(len(NAMES)))
def test_it_goes_on_behind_any_recording(filled: Archive, at: int) -> None:
    found = verify_all(filled, after=(TENANT, NAMES[at]))
    assert [finding.recording_id for finding in found] == NAMES[at + 1 :]


def test_findings_come_one_by_one(filled: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = verify_all(filled)
    assert next(findings).recording_id == "RE0"

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(filled.store, "get", away)
    assert [next(findings).state for _ in range(IN_A_ROW)] == ["bad"] * IN_A_ROW
    with pytest.raises(StoreUnavailable):
        next(findings)


def test_one_recording_is_verified_or_refused(filled: Archive) -> None:
    assert verify(filled, TENANT, "RE4").recording_id == "RE4"
    with pytest.raises(NotStored):
        verify(filled, TENANT, RECORDING)
    damage(filled, "RE4", "audio.esdk")
    with pytest.raises(Tampered):
        verify(filled, TENANT, "RE4")


def test_verifying_changes_nothing(filled: Archive) -> None:
    before = list(filled.store.list())
    damage(filled, "RE0", "audio.esdk", at=0)
    damage(filled, "RE0", "audio.esdk", at=0)
    list(verify_all(filled))
    after = list(filled.store.list())
    assert [(stat.key, stat.size) for stat in after] == [(stat.key, stat.size) for stat in before]


@pytest.mark.parametrize("key", ["0", "XD1/x", "a b/RE1/manifest.json"])
def test_an_object_of_no_recording_is_named_and_stops_nothing(filled: Archive, key: str) -> None:
    assert isinstance(filled.store, DirectoryStore)
    path = filled.store.root / "recordings" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    found = list(verify_all(filled))
    assert [one.recording_id for one in found if one.state == "whole"] == NAMES
    (bad,) = [one for one in found if one.state == "bad"]
    assert f"{bad.tenant}/{bad.recording_id}".rstrip("/") == key
    assert {one.state for one in check_index(filled)} == {"current"}
    again = list(reencrypt_all(filled, by="test", force=True))
    assert [one.recording_id for one in again if one.state == "whole"] == NAMES


@pytest.mark.parametrize("name", ["b/c", "x"])
def test_a_foreign_object_beside_a_recording_s_own_hides_none_of_these(
    filled: Archive, name: str
) -> None:
    assert isinstance(filled.store, DirectoryStore)
    path = filled.store.root / "recordings" / TENANT / "RE2" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    again = list(reencrypt_all(filled, by="test", force=True))
    assert [(one.recording_id, one.state) for one in again] == [(name, "whole") for name in NAMES]
    assert all(one.size > 70_000 for one in again)
    assert states(list(verify_all(filled))) == dict.fromkeys(NAMES, "whole")
