"""Keys are made once, for their owner alone, and never where the settings have them already."""

import base64
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from addon.errors import SettingsError
from addon.settings import Settings
from addon.stack.provision import KeyFolder, provision

EVERYTHING = {
    "twilio_account_sid",
    "twilio_auth_token",
    "intake_key",
    "catalogue_key",
    "playback_secret",
    "archive_private_key.pem",
    "archive_public_key.pem",
    "manifest_signing_key.pem",
    "manifest_verify_key.pem",
}


def settings_of(data_dir: Path, **env: str) -> Settings:
    return Settings.load({"DATA_DIR": str(data_dir), **env})


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("provisioned")
    assert set(provision(settings_of(data_dir))) == EVERYTHING
    return data_dir


def test_the_settings_read_what_was_made(provisioned: Path) -> None:
    settings = settings_of(provisioned)
    assert settings.twilio_account_sid.startswith("AC")
    assert len(settings.twilio_account_sid) == 34
    assert len(settings.twilio_auth_token) == 32
    assert len(settings.intake_key[0]) == 32
    assert len(base64.urlsafe_b64decode(settings.playback_secrets[0] + "=")) == 32
    assert len(settings.archive_public_keys) == len(settings.manifest_verify_keys) == 1


def test_the_archive_keys_are_a_pair(provisioned: Path) -> None:
    settings = settings_of(provisioned)
    private = serialization.load_pem_private_key(settings.archive_private_keys[0].encode(), None)
    public = serialization.load_pem_public_key(settings.archive_public_keys[0].encode())
    assert isinstance(private, rsa.RSAPrivateKey)
    assert isinstance(public, rsa.RSAPublicKey)
    assert private.key_size == 3072
    assert private.public_key() == public


def test_the_manifest_keys_are_a_pair(provisioned: Path) -> None:
    settings = settings_of(provisioned)
    signing = serialization.load_pem_private_key(
        (settings.manifest_signing_key or "").encode(), None
    )
    verify = serialization.load_pem_public_key(settings.manifest_verify_keys[0].encode())
    assert isinstance(signing, ed25519.Ed25519PrivateKey)
    assert isinstance(verify, ed25519.Ed25519PublicKey)
    verify.verify(signing.sign(b"manifest"), b"manifest")


def test_only_the_owner_can_read_them(provisioned: Path) -> None:
    keys = provisioned / "keys"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys.iterdir()} == {0o600}
    assert {path.name for path in keys.iterdir()} == EVERYTHING


def test_a_second_start_makes_nothing_and_changes_nothing(provisioned: Path) -> None:
    before = {path: path.read_bytes() for path in (provisioned / "keys").iterdir()}
    assert provision(settings_of(provisioned)) == ()
    assert {path: path.read_bytes() for path in (provisioned / "keys").iterdir()} == before


def test_what_the_environment_gives_is_not_made(provisioned: Path, tmp_path: Path) -> None:
    given = settings_of(provisioned)
    assert provision(given.replace(data_dir=tmp_path)) == ()
    assert not (tmp_path / "keys").exists()


def test_a_public_key_alone_gets_no_private_key_that_does_not_fit(
    provisioned: Path, tmp_path: Path
) -> None:
    writer = settings_of(provisioned).replace(
        data_dir=tmp_path, archive_private_keys=(), twilio_auth_token=""
    )
    assert provision(writer) == ("twilio_auth_token",)


def test_no_archive_keys_where_recordings_are_sealed_for_kms(tmp_path: Path) -> None:
    kms = ("arn:aws:kms:eu-west-1:1:key/k",)
    made = provision(settings_of(tmp_path).replace(archive_kms_keys=kms))
    assert set(made) == {name for name in EVERYTHING if not name.startswith("archive")}


def test_a_start_that_died_between_the_halves_of_a_pair_is_mended(
    provisioned: Path, tmp_path: Path
) -> None:
    whole = settings_of(provisioned)
    KeyFolder(tmp_path / "keys").keep(
        "archive_private_key.pem", whole.archive_private_keys[0].encode()
    )
    torn = settings_of(tmp_path).replace(intake_key=(bytes(32),))
    assert "archive_public_key.pem" in provision(torn)
    mended = settings_of(tmp_path)
    private = serialization.load_pem_private_key(mended.archive_private_keys[0].encode(), None)
    public = serialization.load_pem_public_key(mended.archive_public_keys[0].encode())
    assert isinstance(private, rsa.RSAPrivateKey)
    assert isinstance(public, rsa.RSAPublicKey)
    sealed = public.encrypt(b"data key", padding.PKCS1v15())
    assert private.decrypt(sealed, padding.PKCS1v15()) == b"data key"


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys")
    folder.keep("intake_key", b"first")
    with pytest.raises(FileExistsError):
        folder.keep("intake_key", b"second")
    assert folder.read("intake_key") == b"first"
    assert [path.name for path in folder.path.iterdir()] == ["intake_key"]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("in the way")
    with pytest.raises(SettingsError, match=r"^DATA_DIR: the folder .*/keys for keys cannot be"):
        provision(settings_of(tmp_path / "other").replace(data_dir=tmp_path))


def test_a_local_key_opens_epochs_and_seals_no_recording(tmp_path: Path) -> None:
    """Workers never hold it, so they need a public key all the same."""
    made = provision(settings_of(tmp_path).replace(archive_local_key=bytes(32)))
    assert "archive_public_key.pem" in made
