"""The index against the manifests: what was removed or planted is noticed, and mended."""

from __future__ import annotations

import pytest

from addon.archive import index
from addon.archive.archive import Archive
from addon.archive.index_check import check_index
from addon.archive.names import files
from addon.archive.store import Store
from tests.archive.recordings import CALL, RECORDING, TENANT, archived

OTHER = "XD" + "9" * 32


@pytest.fixture(params=["directory", "bucket"])
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def archive(store: Store, encryption_keys, decryption_keys, signer) -> Archive:
    made = Archive(
        store, encryption_keys=encryption_keys, decryption_keys=decryption_keys, signer=signer
    )
    archived(made, b"audio", analysis={"x": 1})
    archived(made, b"audio", recording_id="RE1", call_sid=None)
    return made


def bad(archive: Archive, **options: object) -> dict[str, str]:
    found = check_index(archive, **options)  # type: ignore[arg-type]
    return {f"{one.tenant}/{one.recording_id}": one.problem for one in found if one.state == "bad"}


def test_an_index_that_agrees_has_nothing_bad(archive: Archive) -> None:
    states = [finding.state for finding in check_index(archive)]
    assert set(states) == {"current"}
    assert len(states) == 3 + 2 + 5  # entries, and every object of both recordings


def test_each_removed_entry_is_noticed_and_written_again(archive: Archive) -> None:
    manifest = archive.manifest(TENANT, RECORDING)
    place = files(TENANT, RECORDING).manifest
    for key in index.keys_of(manifest):
        archive.store.delete(key)
        assert bad(archive) == {place: f"not in the index: {key}"}
        assert [one.state for one in check_index(archive, mend=True)].count("whole") == 1
        assert bad(archive) == {}


@pytest.mark.parametrize(
    "key",
    [
        f"days/{TENANT}/2026-11-20/000000-{RECORDING}",
        f"days/{OTHER}/2026-11-20/235958-{RECORDING}",
        f"calls/{TENANT}/{CALL}/RE1",
        f"calls/{OTHER}/{CALL}/{RECORDING}",
        f"ids/{RECORDING}/{OTHER}",
        "ids/RE9/XD1",
    ],
)
def test_a_planted_entry_is_noticed_and_removed(archive: Archive, key: str) -> None:
    archive.store.put(key, ())
    assert bad(archive) == {key: "no manifest explains this entry"}
    assert [one.state for one in check_index(archive, mend=True)].count("whole") == 1
    assert archive.store.stat(key) is None
    assert bad(archive) == {}


def test_an_entry_of_another_releases_form_stays(archive: Archive) -> None:
    archive.store.put(f"days/{TENANT}/another/form/of-entry", ())
    list(check_index(archive, mend=True))
    assert archive.store.stat(f"days/{TENANT}/another/form/of-entry")


def test_entries_of_a_manifest_that_cannot_be_verified_stay(archive: Archive) -> None:
    archive.store.put(files(TENANT, "RE1").manifest, [b"garbage"], if_absent=False)
    found = bad(archive, mend=True)
    assert len(found) == 3
    assert all("malformed" in problem for problem in found.values())
    assert archive.store.stat(f"ids/RE1/{TENANT}")


def test_a_run_goes_on_behind_the_key_it_is_given(archive: Archive) -> None:
    archive.store.delete(f"ids/{RECORDING}/{TENANT}")
    assert len(bad(archive, after="ids/")) == 1
    assert bad(archive, after=files(TENANT, RECORDING).manifest) == {}
