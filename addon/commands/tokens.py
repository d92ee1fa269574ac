"""`flask tokens`: the tokens of the API. One is printed once, and never again."""

from __future__ import annotations

import click

from addon.archive.opening import store_of
from addon.commands.group import Group
from addon.playback.tokens import Tokens
from addon.settings import Settings


@click.group("tokens", cls=Group)
def tokens_cli() -> None:
    """Issue, list and revoke API tokens."""


@tokens_cli.command("issue")
@click.option("--install", help="The install (XD…) or account it is for; without it, all.")
@click.option("--label", default="", help="What it is for; kept in the access log.")
def issue_command(install: str | None, label: str) -> None:
    """Print a new token, alone on standard output; its name goes to standard error."""
    text, token = _tokens().issue(install, label)
    click.echo(text)
    click.echo(f"{token.name} for {token.install or 'every install'}", err=True)


@tokens_cli.command("revoke")
@click.argument("name")
def revoke_command(name: str) -> None:
    """End a token at once, by its name (see list) or by the token itself."""
    _tokens().revoke(name)
    click.echo("revoked", err=True)


@tokens_cli.command("list")
def list_command() -> None:
    """Print every token's name, install, time of issue and label, never the token."""
    for token in sorted(_tokens().all(), key=lambda token: token.issued_at):
        click.echo("\t".join((token.name, token.install or "*", token.issued_at, token.label)))


def _tokens() -> Tokens:
    settings = Settings.load()
    return Tokens.from_settings(settings, store_of(settings))
