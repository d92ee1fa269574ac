"""`flask keys`: make the keys and secrets that are missing, and print them where asked.

For deployments that do not start through `flask serve`. It never replaces a key.
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from addon.errors import SettingsError
from addon.setting_roles import kept_files
from addon.settings import Settings
from addon.stack.provision import KeyFolder, provision


@click.command("keys")
@click.option(
    "--as-env", is_flag=True, help="Print the kept ones, secrets included, as NAME=value."
)
def keys(as_env: bool) -> None:
    """Make what the settings lack under DATA_DIR/keys."""
    settings = Settings.load()
    folder = KeyFolder(settings.data_dir / "keys")
    try:
        made = provision(settings)
    except SettingsError as error:
        raise click.ClickException(error.message) from None
    click.echo(f"{folder.path}: made {', '.join(made) if made else 'nothing new'}", err=True)
    if as_env:
        for line in _assignments(folder):
            click.echo(line)


def _assignments(folder: KeyFolder) -> Iterator[str]:
    """PEM texts on one line, with `\\n` for their line ends, as the settings understand them."""
    for variable, name in kept_files().items():
        content = folder.read(name)
        if content is not None:
            value = content.decode("ascii").strip().replace("\n", "\\n")
            yield f'{variable}="{value}"' if name.endswith(".pem") else f"{variable}={value}"
