"""`flask keys`: make the keys and secrets that are missing, and print them where asked.

For deployments that do not start through `flask serve`. It never replaces a key.
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from addon.errors import SettingsError
from addon.settings import Settings
from addon.stack.provision import KeyFolder, provision

VARIABLES = {
    "twilio_account_sid": "TWILIO_ACCOUNT_SID",
    "twilio_auth_token": "TWILIO_AUTH_TOKEN",
    "intake_key": "INTAKE_KEY",
    "playback_secret": "PLAYBACK_SECRETS",
    "archive_private_key.pem": "ARCHIVE_PRIVATE_KEYS",
    "archive_public_key.pem": "ARCHIVE_PUBLIC_KEYS",
    "manifest_signing_key.pem": "MANIFEST_SIGNING_KEY",
    "manifest_verify_key.pem": "MANIFEST_VERIFY_KEYS",
}
"""The setting that each file stands in for."""


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
    for name, variable in VARIABLES.items():
        content = folder.read(name)
        if content is not None:
            value = content.decode("ascii").strip().replace("\n", "\\n")
            yield f'{variable}="{value}"' if name.endswith(".pem") else f"{variable}={value}"
