"""KMS through a real HTTP server that plays it."""

from __future__ import annotations

import pytest

from addon.archive import message
from addon.archive.directory import DirectoryStore
from addon.archive.epochs import Epochs
from addon.archive.key_pairs import KeyPair
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.kms import kms_key
from addon.archive.reader import RangeReader, open_with
from addon.errors import KeyMissing, SettingsError, StoreUnavailable
from tests.archive.recordings import fetch_from, noise

CONTEXT = {"object": "audio"}


def sealed_for(encryption_keys: EncryptionKeys, content: bytes = b"audio") -> bytes:
    return b"".join(message.encrypt([content], encryption_keys, CONTEXT))


def test_a_kms_key_seals_and_opens_streams_and_ranges(kms_arn: str) -> None:
    content = noise(150_000)
    sealed = sealed_for(EncryptionKeys.of_public_keys([], [kms_arn]), content)
    decryption_keys = DecryptionKeys.of_private_keys([], [kms_arn])
    assert b"".join(message.decrypt([sealed], decryption_keys, CONTEXT)) == content
    reader = RangeReader.open(fetch_from(sealed), len(sealed), open_with(decryption_keys, CONTEXT))
    assert b"".join(reader.read(65_000, 66_000)) == content[65_000:66_000]


def test_a_kms_key_stands_beside_a_public_key(kms_arn: str, pair: KeyPair) -> None:
    sealed = sealed_for(EncryptionKeys.of_public_keys([pair.public_pem], [kms_arn]))
    for decryption_keys in (
        DecryptionKeys.of_private_keys([pair.private_pem]),
        DecryptionKeys.of_private_keys([], [kms_arn]),
    ):
        assert b"".join(message.decrypt([sealed], decryption_keys, CONTEXT)) == b"audio"


def test_only_kms_keys_of_the_settings_are_asked(kms_arn: str) -> None:
    sealed = sealed_for(EncryptionKeys.of_public_keys([], [kms_arn]))
    other = kms_arn[:-4] + "0000"
    with pytest.raises(KeyMissing, match=kms_arn):
        b"".join(message.decrypt([sealed], DecryptionKeys.of_private_keys([], [other]), CONTEXT))


def test_an_epoch_asks_kms_once_for_all_its_recordings(
    kms_arn: str, directory: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs = Epochs(directory)
    pair = epochs.begin(EncryptionKeys.of_public_keys([], [kms_arn]))
    asked: list[str] = []
    monkeypatch.setattr("addon.archive.kms.kms_key", lambda arn: asked.append(arn) or kms_key(arn))
    key_encryption_keys = DecryptionKeys.of_private_keys([], [kms_arn])
    readers = key_encryption_keys + DecryptionKeys(find=epochs.finder(key_encryption_keys))
    both = EncryptionKeys.of_public_keys([pair.public_pem], [kms_arn])
    for _ in range(3):
        assert b"".join(message.decrypt([sealed_for(both)], readers, CONTEXT)) == b"audio"
    # Three to seal for KMS too, one to open the epoch's key.
    assert asked.count(kms_arn) == 1 + 1


def test_a_key_that_kms_does_not_know_opens_nothing_and_is_named(kms_arn: str) -> None:
    sealed = sealed_for(EncryptionKeys.of_public_keys([], [kms_arn]))
    forged = sealed.replace(kms_arn.encode(), kms_arn[:-4].encode() + b"0000")
    unknown = kms_arn[:-4] + "0000"
    with pytest.raises(KeyMissing, match=unknown):
        b"".join(message.decrypt([forged], DecryptionKeys.of_private_keys([], [unknown]), CONTEXT))


def test_a_key_that_kms_does_not_know_seals_nothing(kms_arn: str) -> None:
    with pytest.raises(StoreUnavailable, match="KMS"):
        sealed_for(EncryptionKeys.of_public_keys([], [kms_arn[:-4] + "0000"]))


def test_kms_out_of_reach_is_worth_another_try(
    kms_arn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = sealed_for(EncryptionKeys.of_public_keys([], [kms_arn]))
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
    monkeypatch.setattr("addon.archive.kms.ATTEMPTS", 1)
    with pytest.raises(StoreUnavailable, match="KMS"):
        b"".join(message.decrypt([sealed], DecryptionKeys.of_private_keys([], [kms_arn]), CONTEXT))
    with pytest.raises(StoreUnavailable, match="KMS"):
        sealed_for(EncryptionKeys.of_public_keys([], [kms_arn]))


@pytest.mark.parametrize(
    "arn",
    ["", "alias/archive", "arn:aws:kms:us-east-1:111122223333:alias/a", "arn:aws:s3:::bucket"],
)
def test_what_is_no_arn_of_a_key_is_refused(arn: str) -> None:
    with pytest.raises(SettingsError, match=r"^ARCHIVE_KMS_KEYS"):
        kms_key(arn)
