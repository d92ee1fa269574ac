from __future__ import annotations

from pathlib import Path

import pytest

from addon.archive.archive import Archive
from addon.archive.configured import (
    control_signer,
    encryption_keys_of,
    master_decryption_keys,
    token_signer,
)
from addon.archive.epochs import Epochs
from addon.archive.key_pairs import KeyPair
from addon.archive.keys import EncryptionKeys
from addon.archive.manifest import Signer, new_signing_key
from addon.archive.opening import open_store
from addon.errors import KeyMissing, SettingsError
from addon.settings import Settings
from tests.archive.recordings import RECORDING, TENANT, archived

ARN = "arn:aws:kms:eu-central-1:111122223333:key/0000-1111"
LOCAL = bytes(range(32))


@pytest.fixture
def settings(tmp_path: Path, pair: KeyPair) -> Settings:
    signing_key = new_signing_key()
    return Settings(
        archive_url=tmp_path.as_uri(),
        archive_public_keys=(pair.public_pem,),
        archive_private_keys=(pair.private_pem,),
        manifest_signing_key=signing_key,
        manifest_verify_keys=(Signer(signing_key).public_pem,),
    )


def changed(settings: Settings, **changes: object) -> Settings:
    return settings.replace(**changes)


def test_settings_make_an_archive(settings: Settings) -> None:
    archive = Archive.from_settings(settings)
    archived(archive, b"audio")
    assert b"".join(Archive.from_settings(settings).open(TENANT, RECORDING).read()) == b"audio"


def test_a_worker_writes_what_it_cannot_read(settings: Settings) -> None:
    worker = Archive.from_settings(settings.for_worker())
    archived(worker, b"audio")
    worker.complete(worker.manifest(TENANT, RECORDING))
    with pytest.raises(KeyMissing):
        worker.open(TENANT, RECORDING)


def test_a_reader_needs_no_signing_key(settings: Settings) -> None:
    archived(Archive.from_settings(settings), b"audio")
    reader = Archive.from_settings(changed(settings, manifest_signing_key=None))
    assert reader.open(TENANT, RECORDING).length == 5
    with pytest.raises(KeyMissing, match="sign"):
        reader.erase(TENANT, RECORDING, by="test", reason="asked")


def test_a_signer_believes_itself(settings: Settings) -> None:
    archive = Archive.from_settings(changed(settings, manifest_verify_keys=()))
    archived(archive, b"audio")
    assert archive.manifest(TENANT, RECORDING).tenant == TENANT


def test_an_epochs_key_comes_out_of_the_store(settings: Settings) -> None:
    epoch = Epochs(open_store(settings.archive_url)).begin(EncryptionKeys.local(LOCAL))
    of_epoch = changed(
        settings,
        archive_public_keys=(epoch.public_pem,),
        archive_private_keys=(),
        archive_local_key=LOCAL,
    )
    archived(Archive.from_settings(of_epoch), b"audio")
    assert Archive.from_settings(of_epoch).open(TENANT, RECORDING).length == 5
    with pytest.raises(KeyMissing, match="local-"):
        Archive.from_settings(changed(of_epoch, archive_local_key=bytes(32))).open(
            TENANT, RECORDING
        )


def test_public_and_kms_keys_are_encryption_keys_together(
    settings: Settings, pair: KeyPair
) -> None:
    encryption_keys = encryption_keys_of(changed(settings, archive_kms_keys=(ARN,)))
    assert encryption_keys is not None
    assert set(encryption_keys.names) == {pair.name, ARN}
    nobody = changed(settings, archive_public_keys=())
    assert encryption_keys_of(nobody) is None


def test_a_process_without_keys_opens_nothing(settings: Settings) -> None:
    keyless = changed(settings, archive_private_keys=())
    assert not master_decryption_keys(keyless)
    assert master_decryption_keys(settings)
    assert master_decryption_keys(changed(keyless, archive_kms_keys=(ARN,)))
    assert master_decryption_keys(changed(keyless, archive_local_key=LOCAL))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("archive_public_keys", ("nonsense",)),
        ("archive_private_keys", ("nonsense",)),
        ("archive_kms_keys", ("nonsense",)),
        ("manifest_signing_key", "nonsense"),
        ("manifest_verify_keys", ("nonsense",)),
        ("archive_url", "nonsense"),
    ],
)
def test_a_wrong_setting_is_named(settings: Settings, field: str, value: object) -> None:
    with pytest.raises(SettingsError, match=f"^{field.upper()}"):
        Archive.from_settings(changed(settings, **{field: value}))


def test_the_lock_comes_from_its_setting(settings: Settings) -> None:
    lock = Archive.from_settings(changed(settings, archive_lock_days=7)).lock
    assert lock is not None
    assert lock.days == 7
    assert Archive.from_settings(settings).lock is None


def test_control_objects_are_signed_with_the_first_control_key_else_one_of_the_intake_key():
    settings = Settings.load({"INTAKE_KEY": "00" * 32})
    own = settings.replace(control_keys=(b"c" * 32,))
    document = {"version": 1}
    before = control_signer(settings).sign("outcome", "requests/XR1", document)
    after = control_signer(own).sign("outcome", "requests/XR1", document)
    assert control_signer(own).verified("outcome", "requests/XR1", before) == document
    assert control_signer(own.replace(intake_key=())).believed("outcome", "requests/XR1", after)
    assert not control_signer(settings).believed("outcome", "requests/XR1", after)
    with pytest.raises(KeyMissing):
        control_signer(settings.replace(intake_key=())).sign("outcome", "x", document)


def test_tokens_are_signed_with_playback_secrets_which_is_not_what_signs_other_documents():
    settings = Settings.load({"INTAKE_KEY": "00" * 32, "PLAYBACK_SECRETS": "newest,older"})
    older = token_signer(settings.replace(playback_secrets=("older",)))
    signed = older.sign("API token", "tokens/a", {"version": 1})
    assert token_signer(settings).believed("API token", "tokens/a", signed)
    assert not control_signer(settings).believed("API token", "tokens/a", signed)
    newest = token_signer(settings).sign("API token", "tokens/a", {"version": 1})
    assert not older.believed("API token", "tokens/a", newest)
