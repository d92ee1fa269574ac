from __future__ import annotations

import pytest

from addon.archive.archive import Archive
from addon.archive.directory import DirectoryStore
from addon.archive.epochs import Epochs
from addon.archive.key_pairs import KeyPair
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.layout import parse_header
from addon.archive.manifest import Signer
from addon.archive.message import encrypt
from addon.errors import KeyMissing, NotStored, Tampered
from tests.archive.recordings import RECORDING, TENANT, archived

MASTER, NEXT_MASTER = bytes(range(32)), bytes(range(32, 64))


@pytest.fixture(scope="module", autouse=True)
def quick_pairs(module_patch: pytest.MonkeyPatch, other_pair: KeyPair) -> None:
    """A pair of 3072 bits takes up to a second to make; these tests need only that it is one."""
    module_patch.setattr("addon.archive.epochs.new_key_pair", lambda: other_pair)


@pytest.fixture(scope="module")
def module_patch() -> object:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture
def epochs(directory: DirectoryStore) -> Epochs:
    return Epochs(directory)


def test_an_epochs_private_key_is_kept_sealed(epochs: Epochs, directory: DirectoryStore) -> None:
    pair = epochs.begin(EncryptionKeys.local(MASTER))
    assert list(epochs.names()) == [pair.name]
    assert b"PRIVATE" not in directory.get(f"keys/{pair.name}.esdk")
    assert epochs.private_key(pair.name, DecryptionKeys.local(MASTER)) == pair
    with pytest.raises(KeyMissing):
        epochs.private_key(pair.name, DecryptionKeys.local(NEXT_MASTER))


def test_a_reader_needs_only_the_key_encryption_key(
    epochs: Epochs, directory: DirectoryStore, signer: Signer
) -> None:
    pair = epochs.begin(EncryptionKeys.local(MASTER))
    writer = Archive(
        directory, encryption_keys=EncryptionKeys.of_public_keys([pair.public_pem]), signer=signer
    )
    archived(writer, b"audio")
    key_encryption_keys = DecryptionKeys.local(MASTER)
    reader = Archive(
        directory,
        decryption_keys=key_encryption_keys
        + DecryptionKeys(find=epochs.finder(key_encryption_keys)),
        verifiers=writer._verifiers,
    )
    assert b"".join(reader.open(TENANT, RECORDING).read()) == b"audio"


def test_a_key_encryption_key_that_does_not_open_the_epoch_is_named(
    epochs: Epochs, directory: DirectoryStore, signer: Signer
) -> None:
    """The key that is missing is the key-encryption key, not the epoch's own."""
    pair = epochs.begin(EncryptionKeys.local(MASTER, "master-of-2026"))
    archive = Archive(
        directory,
        encryption_keys=EncryptionKeys.of_public_keys([pair.public_pem]),
        signer=signer,
        decryption_keys=DecryptionKeys(find=epochs.finder(DecryptionKeys.local(NEXT_MASTER))),
    )
    archived(archive, b"audio")
    with pytest.raises(KeyMissing, match="master-of-2026"):
        archive.open(TENANT, RECORDING)


def test_new_key_encryption_keys_are_a_new_message_and_recordings_stay(
    epochs: Epochs, directory: DirectoryStore, signer: Signer, pair: KeyPair
) -> None:
    epoch = epochs.begin(EncryptionKeys.local(MASTER))
    writer = Archive(
        directory, encryption_keys=EncryptionKeys.of_public_keys([epoch.public_pem]), signer=signer
    )
    archived(writer, b"audio")
    recording = directory.get(f"recordings/{TENANT}/{RECORDING}/audio.esdk")
    before = parse_header(directory.get(f"keys/{epoch.name}.esdk"))
    offline = EncryptionKeys.of_public_keys([pair.public_pem])
    assert epochs.rewrap(
        epoch.name, DecryptionKeys.local(MASTER), EncryptionKeys.local(NEXT_MASTER) + offline
    )
    after = parse_header(directory.get(f"keys/{epoch.name}.esdk"))
    assert before.message_id != after.message_id
    assert before.commitment != after.commitment
    assert directory.get(f"recordings/{TENANT}/{RECORDING}/audio.esdk") == recording
    for decryption_keys in (
        DecryptionKeys.local(NEXT_MASTER),
        DecryptionKeys.of_private_keys([pair.private_pem]),
    ):
        assert epochs.private_key(epoch.name, decryption_keys) == epoch
    with pytest.raises(KeyMissing):
        epochs.private_key(epoch.name, DecryptionKeys.local(MASTER))


def test_a_repeated_rewrap_has_nothing_left_to_do(
    epochs: Epochs, directory: DirectoryStore
) -> None:
    pair = epochs.begin(EncryptionKeys.local(MASTER))
    assert epochs.rewrap(pair.name, DecryptionKeys.local(MASTER), EncryptionKeys.local(NEXT_MASTER))
    content = directory.get(f"keys/{pair.name}.esdk")
    assert not epochs.rewrap(pair.name, DecryptionKeys(), EncryptionKeys.local(NEXT_MASTER))
    assert directory.get(f"keys/{pair.name}.esdk") == content


def test_a_rewrap_that_cannot_open_changes_nothing(
    epochs: Epochs, directory: DirectoryStore
) -> None:
    pair = epochs.begin(EncryptionKeys.local(MASTER))
    with pytest.raises(KeyMissing):
        epochs.rewrap(pair.name, DecryptionKeys(), EncryptionKeys.local(NEXT_MASTER))
    assert epochs.private_key(pair.name, DecryptionKeys.local(MASTER)) == pair


def test_an_epoch_that_is_not_kept_is_not_there(epochs: Epochs) -> None:
    for name in ("rsa-0", "../keys", ""):
        with pytest.raises(NotStored):
            epochs.private_key(name, DecryptionKeys.local(MASTER))
    assert epochs.finder(DecryptionKeys.local(MASTER))("rsa-0") is None


def test_one_epochs_key_under_anothers_name_is_refused(
    epochs: Epochs, directory: DirectoryStore
) -> None:
    pair = epochs.begin(EncryptionKeys.local(MASTER))
    directory.put("keys/rsa-other.esdk", [directory.get(f"keys/{pair.name}.esdk")])
    with pytest.raises(Tampered):
        epochs.private_key("rsa-other", DecryptionKeys.local(MASTER))


def test_a_key_sealed_for_the_key_encryption_keys_under_another_epochs_name_is_refused(
    epochs: Epochs, directory: DirectoryStore, pair: KeyPair
) -> None:
    """Sealing needs no secret for public key-encryption keys: the name must fit the key."""
    context = {"object": "epoch-key", "epoch": "rsa-other"}
    planted = encrypt([pair.private_pem.encode()], EncryptionKeys.local(MASTER), context)
    directory.put("keys/rsa-other.esdk", planted)
    with pytest.raises(Tampered, match="called after"):
        epochs.private_key("rsa-other", DecryptionKeys.local(MASTER))
