"""An archive written once and never again: every later release must read it (spec/ciphertext 9).

Its epoch key is sealed under the bytes 0 to 31; its signing key was thrown away. Nothing under
tests/vectors/golden-1 may ever change, and nothing here may be loosened to make it pass.
"""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from addon.archive.archive import Archive
from addon.archive.directory import DirectoryStore
from addon.archive.epochs import Epochs
from addon.archive.keys import DecryptionKeys
from addon.archive.manifest import Verifiers
from addon.archive.verification import verify_all

GOLDEN = Path(__file__).parents[1] / "vectors" / "golden-1"
TENANT, RECORDING, CALL = "XD" + "a" * 32, "RE" + "b" * 32, "CA" + "c" * 32
CONTENT = bytes(n * n // 7 % 256 for n in range(65536 + 1000))
DIGEST = "31a4a282a7463bb9803dd9d39fab19094ae280ae4bf1d3999de68543e1396c9f"


@pytest.fixture(scope="module")
def archive() -> Archive:
    store = DirectoryStore(GOLDEN / "archive")
    key_encryption_keys = DecryptionKeys.local(bytes(range(32)), "golden-master")
    return Archive(
        store,
        decryption_keys=key_encryption_keys
        + DecryptionKeys(find=Epochs(store).finder(key_encryption_keys)),
        verifiers=Verifiers([(GOLDEN / "manifest_verify_key.pem").read_text()]),
    )


def test_the_golden_archive_has_not_changed() -> None:
    digest = hashlib.sha256()
    for path in sorted(GOLDEN.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.parts[-5:]):
            digest.update(path.relative_to(GOLDEN).as_posix().encode() + b"\0" + path.read_bytes())
    assert digest.hexdigest() == DIGEST


def test_the_reader_reads_it(archive: Archive) -> None:
    audio = archive.open(TENANT, RECORDING)
    assert audio.length == len(CONTENT)
    assert b"".join(audio.read()) == CONTENT
    assert b"".join(audio.read(65_000, 66_000)) == CONTENT[65_000:66_000]


def test_the_sdk_reads_it(archive: Archive) -> None:
    manifest = archive.manifest(TENANT, RECORDING)
    assert b"".join(archive.decrypted(manifest, "audio")) == CONTENT


def test_manifest_analysis_and_index_are_read(archive: Archive) -> None:
    manifest = archive.manifest(TENANT, RECORDING)
    assert manifest.facts.received_sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert archive.analysis(TENANT, RECORDING)["schema_version"] == 1
    assert archive.find(RECORDING) == (TENANT,)
    day = archive.list(TENANT, day=date(2026, 11, 20))
    call = archive.list(TENANT, call_sid=CALL)
    assert [entry.recording_id for entry in day.entries + call.entries] == [RECORDING] * 2


def test_it_verifies(archive: Archive) -> None:
    assert [finding.state for finding in verify_all(archive)] == ["whole"]
