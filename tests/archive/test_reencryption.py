from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from addon.archive.access_log import AccessLog
from addon.archive.archive import Archive
from addon.archive.key_pairs import KeyPair
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.layout import parse_header
from addon.archive.manifest import Signer
from addon.archive.reencryption import reencrypt, reencrypt_all
from addon.archive.store import Stat
from addon.archive.verification import verify
from addon.errors import KeyMissing, RetentionLocked, StoreUnavailable, Tampered
from tests.archive.recordings import RECORDING, TENANT, archived, noise

FOLDER = f"recordings/{TENANT}/{RECORDING}"
CONTENT = noise(200_000)
ANALYSIS = {"talk_seconds": 7.5}


@pytest.fixture
def newer(archive: Archive, pair: KeyPair, other_pair: KeyPair, signer: Signer) -> Archive:
    """The same store after a compromise: the old key still opens, the new one seals."""
    archived(archive, CONTENT, analysis=ANALYSIS)
    return Archive(
        archive.store,
        encryption_keys=EncryptionKeys.of_public_keys([other_pair.public_pem]),
        decryption_keys=DecryptionKeys.of_private_keys([pair.private_pem, other_pair.private_pem]),
        signer=signer,
    )


def heard(archive: Archive) -> None:
    """A recording reads as it always did, by ranges and whole."""
    verify(archive, TENANT, RECORDING)
    assert b"".join(archive.open(TENANT, RECORDING).read()) == CONTENT
    assert archive.analysis(TENANT, RECORDING) == ANALYSIS


def test_new_objects_open_with_the_new_key_alone(newer: Archive, other_pair: KeyPair) -> None:
    before = newer.manifest(TENANT, RECORDING)
    old = parse_header(newer.store.get(f"{FOLDER}/audio.esdk"))
    reencrypt(newer, TENANT, RECORDING, by="Ada")
    new = parse_header(newer.store.get(f"{FOLDER}/audio.esdk"))
    assert old.message_id != new.message_id
    assert old.commitment != new.commitment
    reader = Archive(
        newer.store,
        decryption_keys=DecryptionKeys.of_private_keys([other_pair.private_pem]),
        verifiers=newer._verifiers,
    )
    heard(reader)
    after = newer.manifest(TENANT, RECORDING)
    assert after.facts == before.facts
    assert after.audio.plaintext_sha256 == before.audio.plaintext_sha256
    assert after.audio_before is None


def test_it_leaves_no_trace_but_its_event(newer: Archive) -> None:
    before = {stat.key for stat in newer.store.list()}
    reencrypt(newer, TENANT, RECORDING, by="Ada")
    (new,) = {stat.key for stat in newer.store.list()} - before
    assert new.startswith("audit/")
    (event,) = AccessLog(newer.store).events(TENANT, RECORDING)
    assert (event["event"], event["by"]) == ("reencrypted", "Ada")


@pytest.mark.parametrize("fails_at", range(9))
def test_interrupted_anywhere_the_recording_reads_and_a_repeat_finishes(
    newer: Archive, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    left = [fails_at]

    def failing(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **options: Any) -> Any:
            if not left[0]:
                raise StoreUnavailable("away")
            left[0] -= 1
            return call(*args, **options)

        return called

    monkeypatch.setattr(newer.store, "put", failing(newer.store.put))
    monkeypatch.setattr(newer.store, "delete", failing(newer.store.delete))
    with pytest.raises(StoreUnavailable):
        reencrypt(newer, TENANT, RECORDING, by="Ada")
    monkeypatch.undo()
    heard(newer)
    list(reencrypt_all(newer, by="Ada"))
    heard(newer)
    assert not [stat.key for stat in newer.store.list() if "-next" in stat.key]
    assert newer.manifest(TENANT, RECORDING).audio_before is None


def test_a_listener_hears_it_all_the_while(newer: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    put = newer.store.put

    def put_while_listening(key: str, blocks: Iterable[bytes], **options: Any) -> Stat:
        heard(newer)
        stat = put(key, blocks, **options)
        heard(newer)
        return stat

    monkeypatch.setattr(newer.store, "put", put_while_listening)
    reencrypt(newer, TENANT, RECORDING, by="Ada")


def test_all_is_done_once(newer: Archive) -> None:
    for number in range(3):
        archived(newer, b"already", recording_id=f"RE{number}")
    done = list(reencrypt_all(newer, by="Ada"))
    assert [(finding.recording_id, finding.state) for finding in done] == [(RECORDING, "whole")]
    assert list(reencrypt_all(newer, by="Ada")) == []
    assert len(list(reencrypt_all(newer, by="Ada", force=True))) == 4
    assert len(list(reencrypt_all(newer, by="Ada", force=True, after=(TENANT, "RE1")))) == 2


def test_erased_and_unfinished_recordings_are_passed_over(newer: Archive) -> None:
    newer.erase(TENANT, RECORDING, by="test", reason="asked")
    newer.store.put("recordings/XD9/RE9/audio.esdk", [b"unfinished"])
    assert list(reencrypt_all(newer, by="Ada", force=True)) == []


def test_a_bad_recording_is_named_and_the_others_go_on(newer: Archive) -> None:
    archived(newer, b"last", recording_id="RE9")
    newer.store.put(f"{FOLDER}/audio.esdk", [b"damaged"], if_absent=False)
    findings = list(reencrypt_all(newer, by="Ada", force=True))
    assert [(finding.recording_id, finding.state) for finding in findings] == [
        (RECORDING, "bad"),
        ("RE9", "whole"),
    ]


def test_damaged_audio_is_not_sealed_anew(newer: Archive) -> None:
    content = bytearray(newer.store.get(f"{FOLDER}/audio.esdk"))
    content[-1] ^= 1
    newer.store.put(f"{FOLDER}/audio.esdk", [bytes(content)], if_absent=False)
    with pytest.raises(Tampered):
        reencrypt(newer, TENANT, RECORDING, by="Ada")
    assert newer.store.get(f"{FOLDER}/audio.esdk") == bytes(content)
    assert not [stat.key for stat in newer.store.list() if "-next" in stat.key]


def test_a_locked_recording_stays_as_it_is(newer: Archive) -> None:
    newer.store.retain(f"{FOLDER}/manifest.json", datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(RetentionLocked):
        reencrypt(newer, TENANT, RECORDING, by="Ada")
    heard(newer)
    assert not [stat.key for stat in newer.store.list() if "-next" in stat.key]


def test_it_needs_every_key(
    newer: Archive, archive: Archive, encryption_keys: EncryptionKeys
) -> None:
    for keys in (
        {"encryption_keys": encryption_keys, "signer": newer.signer},
        {"decryption_keys": newer.decryption_keys, "signer": newer.signer},
        {
            "decryption_keys": newer.decryption_keys,
            "encryption_keys": encryption_keys,
            "verifiers": archive._verifiers,
        },
    ):
        with pytest.raises(KeyMissing):
            reencrypt(Archive(newer.store, **keys), TENANT, RECORDING, by="Ada")  # type: ignore[arg-type]
    heard(newer)
