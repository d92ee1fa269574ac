"""`flask archive new-epoch` and `rewrap-epoch` over a real directory and real keys."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from addon.archive.archive import Archive
from addon.archive.epochs import Epochs
from addon.archive.key_pairs import KeyPair
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.manifest import Signer
from tests.archive.recordings import archived
from tests.commands.test_archive import LOCAL, Run, archive, environment, pairs, run, signing_key

__all__ = ["archive", "environment", "pairs", "run", "signing_key"]


def test_a_new_epoch_seals_and_opens_from_the_settings_alone(
    run: Run, archive: Archive, tmp_path: Path, signing_key: str
) -> None:
    local = {"ARCHIVE_LOCAL_KEY": base64.b64encode(LOCAL).decode()}
    public = tmp_path / "epoch.pem"
    assert run("new-epoch", "-o", str(public), **local).exit_code == 0
    writer = Archive(
        archive.store,
        encryption_keys=EncryptionKeys.of_public_keys([public.read_text()]),
        signer=Signer(signing_key),
    )
    archived(writer, b"of the new epoch", recording_id="RE1")
    result = run("get", "RE1", "-o", "-", ARCHIVE_PRIVATE_KEYS="", **local)
    assert result.stdout_bytes == b"of the new epoch"


def test_the_public_half_comes_out_and_the_private_half_does_not(
    run: Run, archive: Archive, pairs: list[KeyPair], tmp_path: Path
) -> None:
    recovery = tmp_path / "offline.pem"
    recovery.write_text(pairs[1].public_pem)
    result = run("new-epoch", "--recovery-key", str(recovery), "--offline-only")
    assert result.exit_code == 0
    assert "only keys that are not here" in result.stderr
    public = serialization.load_pem_public_key(result.stdout_bytes)
    info = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (name,) = Epochs(archive.store).names()
    assert name == f"rsa-{hashlib.sha256(info).hexdigest()[:32]}"
    assert "PRIVATE" not in result.output
    decryption_keys = DecryptionKeys.of_private_keys([pairs[1].private_pem])
    assert Epochs(archive.store).private_key(name, decryption_keys).name == name


def test_an_epoch_that_nobody_could_open_is_refused(run: Run, archive: Archive) -> None:
    result = run("new-epoch")
    assert result.exit_code == 1
    assert "nobody could open" in result.output
    assert list(Epochs(archive.store).names()) == []


def test_epochs_are_sealed_for_other_key_encryption_keys(
    run: Run, archive: Archive, pairs: list[KeyPair], tmp_path: Path
) -> None:
    epochs = Epochs(archive.store)
    pair = epochs.begin(EncryptionKeys.of_public_keys([pairs[0].public_pem]))
    recovery = tmp_path / "offline.pem"
    recovery.write_text(pairs[1].public_pem)
    first = run("rewrap-epoch", "--all", "--recovery-key", str(recovery), "--offline-only")
    assert first.stdout == f"{pair.name}: sealed for {pairs[1].name}\n"
    again = run("rewrap-epoch", pair.name, "--recovery-key", str(recovery))
    assert "already" in again.stdout
    decryption_keys = DecryptionKeys.of_private_keys([pairs[1].private_pem])
    assert epochs.private_key(pair.name, decryption_keys) == pair
    assert run("rewrap-epoch", "--recovery-key", str(recovery)).exit_code == 2


def test_an_epoch_that_no_reader_opens_is_refused_before_it_is_named(
    run: Run, archive: Archive, pairs: list[KeyPair], tmp_path: Path
) -> None:
    recovery = tmp_path / "offline.pem"
    recovery.write_text(pairs[1].public_pem)
    result = run("new-epoch", "--recovery-key", str(recovery))
    assert result.exit_code == 1
    assert "no reader could open" in result.output
    assert "--private-key" in result.output
    assert "BEGIN PUBLIC KEY" not in result.output
    assert list(Epochs(archive.store).names()) == []


def test_the_private_half_is_handed_out_and_opens_what_is_written_then(
    run: Run, archive: Archive, pairs: list[KeyPair], tmp_path: Path, signing_key: str
) -> None:
    recovery, private = tmp_path / "offline.pem", tmp_path / "private.pem"
    recovery.write_text(pairs[1].public_pem)
    made = run("new-epoch", "--recovery-key", str(recovery), "--private-key", str(private))
    assert made.exit_code == 0, made.output
    assert private.stat().st_mode & 0o777 == 0o600
    writer = Archive(
        archive.store,
        encryption_keys=EncryptionKeys.of_public_keys([made.stdout]),
        signer=Signer(signing_key),
    )
    archived(writer, b"of the new epoch", recording_id="RE1")
    both = {"ARCHIVE_PRIVATE_KEYS": pairs[0].private_pem + private.read_text()}
    assert run("get", "RE1", "-o", "-", **both).stdout_bytes == b"of the new epoch"
    (name,) = Epochs(archive.store).names()
    again = tmp_path / "again.pem"
    offline = {"ARCHIVE_PRIVATE_KEYS": pairs[1].private_pem}
    assert run("epoch-key", name, "-o", str(again), **offline).exit_code == 0
    assert again.read_text() == private.read_text()
    assert run("epoch-key", name, "-o", str(again)).exit_code == 1


def test_what_no_reader_could_open_afterwards_is_left_and_the_others_go_on(
    run: Run, archive: Archive, pairs: list[KeyPair], tmp_path: Path
) -> None:
    epochs = Epochs(archive.store)
    good = epochs.begin(EncryptionKeys.of_public_keys([pairs[0].public_pem]))
    archive.store.put("keys/rsa-0.esdk", [b"junk"])
    recovery = tmp_path / "recovery.pem"
    recovery.write_text(pairs[1].public_pem)
    refused = run("rewrap-epoch", "--all", "--recovery-key", str(recovery))
    assert refused.exit_code == 1
    assert refused.stderr.count("left as it is") == 2
    recovery.write_text(pairs[0].public_pem + pairs[1].public_pem)
    local = {"ARCHIVE_LOCAL_KEY": base64.b64encode(LOCAL).decode()}
    done = run("rewrap-epoch", "--all", **local)
    assert done.exit_code == 1
    assert f"{good.name}: sealed for local-" in done.stdout
    assert "rsa-0: left as it is" in done.stderr
