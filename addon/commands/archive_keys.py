"""`flask archive new-epoch` and `rewrap-epoch`: epoch keys, and the keys that open them.

A private key passes through memory only; what is written is sealed or public.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from addon.archive.configured import master_decryption_keys
from addon.archive.epochs import Epochs
from addon.archive.keys import EncryptionKeys
from addon.archive.opening import store_of
from addon.errors import SettingsError
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


@click.command("new-epoch")
@_key_encryption_keys
@click.option("-o", "output", type=click.Path(path_type=Path, dir_okay=False))
def new_epoch(
    kms_arns: tuple[str, ...], recovery_keys: tuple[Any, ...], output: Path | None
) -> None:
    """Make an epoch key pair: the public half comes out, the private half goes in sealed."""
    settings, epochs = _epochs()
    pair = epochs.begin(_master_encryption_keys(settings, kms_arns, recovery_keys))
    if output:
        output.write_text(pair.public_pem)
    else:
        click.echo(pair.public_pem, nl=False)
    click.echo(f"{pair.name}: give its public half to the writers in ARCHIVE_PUBLIC_KEYS", err=True)


@click.command("rewrap-epoch")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every epoch in the store.")
@_key_encryption_keys
def rewrap_epoch(
    names: tuple[str, ...],
    everything: bool,
    kms_arns: tuple[str, ...],
    recovery_keys: tuple[Any, ...],
) -> None:
    """Seal epoch keys for other key-encryption keys. Recordings are not touched."""
    settings, epochs = _epochs()
    if not names and not everything:
        raise click.UsageError("name epochs, or give --all")
    key_encryption_keys = _master_encryption_keys(settings, kms_arns, recovery_keys)
    decryption_keys = master_decryption_keys(settings)
    for name in names or tuple(epochs.names()):
        if epochs.rewrap(name, decryption_keys, key_encryption_keys):
            click.echo(f"{name}: sealed for {', '.join(key_encryption_keys.names)}")
        else:
            click.echo(f"{name}: is already sealed for exactly these")


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
