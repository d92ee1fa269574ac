"""Keys are tried with exactly the halves that workers and readers will have."""

from __future__ import annotations

from addon.archive.archive import Archive
from addon.archive.epochs import Epochs
from addon.archive.key_pairs import new_key_pair
from addon.archive.keys import EncryptionKeys
from addon.archive.manifest import Signer, new_signing_key
from addon.archive.opening import open_store


def test_a_private_key_of_another_pair_opens_nothing(deployment):
    other = new_key_pair(2048)
    (found,) = deployment.found("keys", ARCHIVE_PRIVATE_KEYS=other.private_pem)
    assert found.startswith("wrong: readers cannot open what workers archive: no key at hand opens")


def test_a_verify_key_of_another_pair_refuses_every_manifest(deployment):
    other = Signer(new_signing_key()).public_pem
    (found,) = deployment.found("keys", MANIFEST_VERIFY_KEYS=other)
    assert found.startswith("wrong: MANIFEST_VERIFY_KEYS lacks the public half")


def test_an_epoch_of_the_store_opens_with_its_key_encryption_key(deployment, tmp_path):
    local = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    store = open_store((tmp_path / "var/archive").as_uri())
    key = b"01234567890123456789012345678901"
    pair = Epochs(store).begin(EncryptionKeys.local(key))
    changes = {"ARCHIVE_PUBLIC_KEYS": pair.public_pem, "ARCHIVE_PRIVATE_KEYS": None}
    assert deployment.found("keys", **changes, ARCHIVE_LOCAL_KEY=local) == []
    assert deployment.found("keys", **changes)[0].startswith("warning: no key here opens")


def test_it_says_who_holds_which_key_and_no_value(deployment, made_keys, settings):
    output = deployment.check().output
    web = next(line for line in output.splitlines() if line.strip().startswith("web: "))
    worker = next(line for line in output.splitlines() if line.strip().startswith("worker: "))
    assert "ARCHIVE_PRIVATE_KEYS" in web and "ARCHIVE_PRIVATE_KEYS" not in worker
    assert "MANIFEST_SIGNING_KEY" in worker and "PLAYBACK_SECRETS" not in worker
    assert Archive.from_settings(settings).encryption_keys.names[0] in output
    values = (made_keys["intake"], deployment.env["PLAYBACK_SECRETS"], "PRIVATE KEY")
    assert not any(value in output for value in values)


def test_a_key_file_that_others_can_read_is_named(deployment, tmp_path):
    path = tmp_path / "var/keys/intake_key"
    path.parent.mkdir(parents=True)
    path.touch(0o600)
    assert deployment.found("key files") == []
    path.chmod(0o644)
    (found,) = deployment.found("key files")
    assert found == f"warning: {path} can be read by other users. chmod 600 {path}"
