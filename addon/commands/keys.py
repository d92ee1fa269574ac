"""`flask keys`: make the keys and secrets that are missing, and print them where asked.

For deployments that do not start through `flask serve`. It never replaces a key.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click

from addon.errors import SettingsError
from addon.setting_roles import kept_files, variables_of
from addon.settings import Settings
from addon.stack.provision import KeyFolder, provision


@click.command("keys")
@click.option(
    "--as-env", is_flag=True, help="Print the kept ones, secrets included, as NAME=value."
)
@click.option(
    "--worker-copy",
    type=click.Path(file_okay=False, path_type=Path),
    help="Copy what workers need into this folder, for a machine or container of their own.",
)
def keys(as_env: bool, worker_copy: Path | None) -> None:
    """Make what the settings lack under DATA_DIR/keys."""
    settings = Settings.load()
    folder = KeyFolder(settings.data_dir / "keys")
    try:
        made = provision(settings)
        if worker_copy is not None:
            _copy(folder, KeyFolder(worker_copy))
    except SettingsError as error:
        raise click.ClickException(error.message) from None
    click.echo(f"{folder.path}: made {', '.join(made) if made else 'nothing new'}", err=True)
    if as_env:
        for line in _assignments(folder):
            click.echo(line)


def _copy(folder: KeyFolder, target: KeyFolder) -> None:
    """The kept files of the worker's variables; what is there already stays.

    Raises SettingsError where the folder cannot be written.
    """
    needed = variables_of("worker")
    try:
        for variable, name in kept_files().items():
            content = folder.read(name)
            if content is not None and variable in needed:
                with suppress(FileExistsError):
                    target.keep(name, content)
    except OSError as error:
        raise SettingsError(f"--worker-copy cannot be written: {error.strerror}") from None


def _assignments(folder: KeyFolder) -> Iterator[str]:
    """PEM texts on one line, with `\\n` for their line ends, as the settings understand them."""
    for variable, name in kept_files().items():
        content = folder.read(name)
        if content is not None:
            value = content.decode("ascii").strip().replace("\n", "\\n")
            yield f'{variable}="{value}"' if name.endswith(".pem") else f"{variable}={value}"
