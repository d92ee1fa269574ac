"""`flask sign-in`: a fresh link for the owner of this machine."""

from __future__ import annotations

import click

from addon.errors import SettingsError
from addon.settings import Settings
from addon.web.local_sign_in import local_sign_in_link


@click.command("sign-in")
@click.option("--to", default="/recordings", show_default=True, help="The page it leads to.")
def sign_in(to: str) -> None:
    """Print a link that signs you in on this machine, once; earlier ones stop working."""
    try:
        click.echo(local_sign_in_link(Settings.load(), to))
    except SettingsError as error:
        raise click.ClickException(error.message) from None
