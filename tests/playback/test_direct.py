"""Direct access: the ciphertext from the bucket itself, opened by who holds the key."""

from __future__ import annotations

import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

from addon.archive.archive import Archive
from addon.archive.directory import DirectoryStore
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.manifest import Signer
from addon.archive.message import decrypt
from addon.archive.s3 import S3Store
from addon.archive.sealing import object_key
from addon.commands.archive import archive_cli
from addon.errors import NotPlayable, NotStored
from addon.playback import direct
from addon.playback.player import Player
from addon.playback.policy import Audible
from tests.archive.buckets import new_bucket, s3_client
from tests.archive.conftest import aws
from tests.playback.sounds import RECORDING, TENANT, archived, file_of

__all__ = ["aws"]

CONTENT = file_of(100_000)


def audible(archive: Archive) -> Audible:
    return Player(archive).audible(TENANT, RECORDING)


@pytest.fixture
def keys(made_keys) -> dict[str, object]:
    return {
        "encryption_keys": EncryptionKeys.of_public_keys([made_keys["public"]]),
        "decryption_keys": DecryptionKeys.of_private_keys([made_keys["private"]]),
        "signer": Signer(made_keys["signing"]),
    }


@pytest.fixture
def bucket_archive(aws, keys) -> Archive:
    client = s3_client(aws)
    return Archive(S3Store(new_bucket(client), "some/prefix", client=client), **keys)


def test_the_address_gives_ciphertext_that_the_key_opens(bucket_archive, keys):
    archived(bucket_archive, CONTENT)
    found = direct.address(bucket_archive, audible(bucket_archive), 60)
    with urllib.request.urlopen(found["signed_url"]) as answer:
        ciphertext = answer.read()
    sealed = found["encryption"]
    assert len(ciphertext) == sealed["size"]
    assert CONTENT[1000:1100] not in ciphertext
    context = sealed["encryption_context"]
    assert b"".join(decrypt(iter([ciphertext]), keys["decryption_keys"], context)) == CONTENT
    assert sealed["plaintext_size"] == len(CONTENT)
    assert sealed["recipients"][0]["key"]
    assert RECORDING in found["open_with"]


def test_the_address_is_short_lived(aws, keys, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", aws)
    archive = Archive(S3Store(new_bucket(s3_client(aws))), **keys)
    archived(archive, CONTENT)
    for asked, given in ((60, 60), (10**6, direct.MAX_LIFETIME_S)):
        url = direct.address(archive, audible(archive), asked)["signed_url"]
        query = parse_qs(urlsplit(url).query)
        assert query["X-Amz-Expires"] == [str(given)]
        assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]


def test_what_is_not_there_has_no_address(bucket_archive):
    archived(bucket_archive, CONTENT)
    manifest = audible(bucket_archive)
    bucket_archive.store.delete(object_key(manifest, "audio"))
    with pytest.raises(NotStored):
        direct.address(bucket_archive, manifest, 60)


def test_a_directory_has_no_addresses(tmp_path, keys):
    archive = Archive(DirectoryStore(tmp_path), **keys)
    archived(archive, CONTENT)
    with pytest.raises(NotPlayable, match="directory"):
        direct.address(archive, audible(archive), 60)


def test_flask_archive_get_opens_the_file_with_the_private_key_alone(
    bucket_archive, made_keys, tmp_path, monkeypatch
):
    archived(bucket_archive, CONTENT)
    found = direct.address(bucket_archive, audible(bucket_archive), 60)
    file, out = tmp_path / "sealed", tmp_path / "out.wav"
    with urllib.request.urlopen(found["signed_url"]) as answer:
        file.write_bytes(answer.read())
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("ARCHIVE_PRIVATE_KEYS", made_keys["private"])
    words = [*found["open_with"].replace("FILE", str(file)).split()[2:], "-o", str(out)]
    result = CliRunner().invoke(archive_cli, words)
    assert result.exit_code == 0, result.output
    assert out.read_bytes() == CONTENT
    out.unlink()
    content = bytearray(file.read_bytes())
    content[-30] ^= 1
    file.write_bytes(content)
    assert CliRunner().invoke(archive_cli, words).exit_code != 0
    assert not out.exists()
