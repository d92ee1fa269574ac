"""`flask archive new-epoch`, `epoch-key`, `rewrap-epoch`: epoch keys, and what opens them.

A private key passes through memory only, and into the one file that an operator asked for; anything
else that is written is sealed or public.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from addon.archive.batch import Finding, each
from addon.archive.configured import master_decryption_keys
from addon.archive.epochs import Epochs
from addon.archive.key_pairs import pair_of
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.opening import store_of
from addon.durable_files import write_file
from addon.errors import KeyMissing, SettingsError
from addon.settings import Settings


def _key_encryption_keys(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say who may open an epoch's private key."""
    command = click.option(
        "--recovery-key",
        "recovery_keys",
        multiple=True,
        type=click.File("r"),
        help="A public PEM whose private half lies offline. Repeatable.",
    )(command)
    return click.option(
        "--kms", "kms_arns", multiple=True, help="KMS keys; otherwise ARCHIVE_KMS_KEYS."
    )(command)


_offline_only = click.option(
    "--offline-only",
    is_flag=True,
    help="Do not prove that a reader opens it: only keys that are not here shall.",
)


@click.command("new-epoch")
@_key_encryption_keys
@_offline_only
@click.option("-o", "output", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--private-key",
    "private_output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the private half into this file, for the readers' ARCHIVE_PRIVATE_KEYS.",
)
def new_epoch(
    kms_arns: tuple[str, ...],
    recovery_keys: tuple[Any, ...],
    offline_only: bool,
    output: Path | None,
    private_output: Path | None,
) -> None:
    """Make an epoch key pair: the public half comes out, the private half goes in sealed.

    The public half comes out only when a reader's keys, which have to be here, have opened the
    private half; or when that was handed out with --private-key.
    """
    settings, epochs = _epochs()
    reader = None
    if private_output is None:
        reader = _reader(settings, offline_only)
    try:
        keys = _master_encryption_keys(settings, kms_arns, recovery_keys)
        pair = epochs.begin(keys, reader=reader)
    except KeyMissing as error:
        raise _unreadable(error) from None
    if private_output is not None:
        write_file(private_output, [pair.private_pem.encode()], replace=False)
        _say_handed_out(pair.name, private_output)
    if output:
        output.write_text(pair.public_pem)
    else:
        click.echo(pair.public_pem, nl=False)
    click.echo(f"{pair.name}: give its public half to the writers in ARCHIVE_PUBLIC_KEYS", err=True)


@click.command("epoch-key")
@click.argument("name")
@click.option("-o", "output", required=True, type=click.Path(path_type=Path, dir_okay=False))
def epoch_key(name: str, output: Path) -> None:
    """Write an epoch's private half into a file, for the readers' ARCHIVE_PRIVATE_KEYS.

    It needs a key that opens it: ARCHIVE_LOCAL_KEY, a KMS key, or the offline key as
    ARCHIVE_PRIVATE_KEYS.
    """
    settings, epochs = _epochs()
    pair = epochs.private_key(name, master_decryption_keys(settings))
    write_file(output, [pair.private_pem.encode()], replace=False)
    _say_handed_out(name, output)


@click.command("rewrap-epoch")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every epoch in the store.")
@_key_encryption_keys
@_offline_only
def rewrap_epoch(
    names: tuple[str, ...],
    everything: bool,
    kms_arns: tuple[str, ...],
    recovery_keys: tuple[Any, ...],
    offline_only: bool,
) -> None:
    """Seal epoch keys for other key-encryption keys. Recordings are not touched.

    One that cannot be opened, or that no reader could open afterwards, is named and left as it is;
    the others go on, and it ends with 1.
    """
    settings, epochs = _epochs()
    if not names and not everything:
        raise click.UsageError("name epochs, or give --all")
    key_encryption_keys = _master_encryption_keys(settings, kms_arns, recovery_keys)
    decryption_keys = master_decryption_keys(settings)
    reader = _reader(settings, offline_only)
    held = {pair_of(pem).name for pem in settings.archive_private_keys}

    def rewrap(name: str) -> Finding:
        proof = None if name in held else reader
        if epochs.rewrap(name, decryption_keys, key_encryption_keys, reader=proof):
            click.echo(f"{name}: sealed for {', '.join(key_encryption_keys.names)}")
        else:
            click.echo(f"{name}: is already sealed for exactly these")
        return Finding("epoch", name, "whole")

    bad = False
    for found in each(names or tuple(epochs.names()), rewrap, lambda name: ("epoch", name)):
        if found.state == "bad":
            bad = True
            click.echo(f"{found.recording_id}: left as it is: {found.problem}", err=True)
    if bad:
        raise click.exceptions.Exit(1)


def _reader(settings: Settings, offline_only: bool) -> DecryptionKeys | None:
    """A reader's keys for the proof; None where nobody here is to open it, which is warned of."""
    if offline_only:
        click.echo(
            "only keys that are not here open it: no recording of it can be played", err=True
        )
        return None
    return master_decryption_keys(settings)


def _unreadable(error: KeyMissing) -> KeyMissing:
    return KeyMissing(
        f"no reader could open what is sealed for this epoch: {error.message}",
        remedy="Start it where a reader's ARCHIVE_LOCAL_KEY or ARCHIVE_KMS_KEYS is set, or hand "
        "the private half out with --private-key",
    )


def _say_handed_out(name: str, output: Path) -> None:
    click.echo(
        f"{name}: its private half is in {output}. Give it to the readers in ARCHIVE_PRIVATE_KEYS, "
        "keep it in a vault, and remove the file",
        err=True,
    )


def _epochs() -> tuple[Settings, Epochs]:
    settings = Settings.load()
    return settings, Epochs(store_of(settings))


def _master_encryption_keys(
    settings: Settings, kms_arns: tuple[str, ...], recovery_keys: tuple[Any, ...]
) -> EncryptionKeys:
    """KMS keys, the local key and offline keys, in whatever mix there is."""
    arns = kms_arns or settings.archive_kms_keys
    pems = [file.read() for file in recovery_keys]
    given = []
    if arns or pems:
        given.append(EncryptionKeys.of_public_keys(pems, arns, setting="--recovery-key"))
    if settings.archive_local_key:
        given.append(EncryptionKeys.local(settings.archive_local_key))
    if not given:
        raise SettingsError(
            "ARCHIVE_LOCAL_KEY is unset, and neither --kms nor --recovery-key is given: "
            "nobody could open the epoch's key"
        )
    return sum(given[1:], start=given[0])
