"""`flask tokens`: the tokens of the API. One is printed once, and never again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from addon.archive.opening import store_of
from addon.commands.group import Group, as_json, echo_json
from addon.playback.tokens import SCOPES, USUAL_SCOPES, Scope, Token, Tokens
from addon.settings import Settings

UNITS = {"d": "days", "h": "hours"}

MAX_DIGITS = 5
"""Some hundred years; more overflows a date."""


def _scopes(_ctx: click.Context, _option: click.Parameter, text: str) -> tuple[Scope, ...]:
    """The scopes of a list such as "read,link"."""
    named = {one.strip() for one in text.split(",")}
    if not named <= set(SCOPES):
        raise click.BadParameter(f"one or several of {', '.join(SCOPES)}")
    return tuple(one for one in SCOPES if one in named)


def _lifetime(_ctx: click.Context, _option: click.Parameter, text: str | None) -> timedelta | None:
    """The time of a text such as "90d" or "12h"."""
    if text is None:
        return None
    number, unit = text[:-1], text[-1:]
    if not (number.isdecimal() and len(number) < MAX_DIGITS and int(number) and unit in UNITS):
        raise click.BadParameter("a number of days or hours, such as 90d or 12h")
    return timedelta(**{UNITS[unit]: int(number)})


@click.group("tokens", cls=Group)
def tokens_cli() -> None:
    """Issue, list and revoke API tokens."""


@tokens_cli.command("issue")
@click.option("--install", help="The install (XD…) or account it is for; without it, all.")
@click.option("--label", default="", help="What it is for; kept in the access log.")
@click.option(
    "--scope",
    "scopes",
    default=",".join(USUAL_SCOPES),
    show_default=True,
    callback=_scopes,
    help="What it may do, with commas between.",
)
@click.option(
    "--expires", "lifetime", callback=_lifetime, help="After so long: 90d, 12h. Without it, never."
)
def issue_command(
    install: str | None, label: str, scopes: tuple[Scope, ...], lifetime: timedelta | None
) -> None:
    """Print a new token, alone on standard output; its name goes to standard error."""
    expires_at = None if lifetime is None else datetime.now(UTC) + lifetime
    text, token = _tokens().issue(install, label, scopes=scopes, expires_at=expires_at)
    click.echo(text)
    whose = token.install or "every install"
    click.echo(f"{token.name} for {whose}: {_scope_text(token)}, {_end_text(token)}", err=True)


@tokens_cli.command("revoke")
@click.argument("name")
def revoke_command(name: str) -> None:
    """End a token at once, by its name (see list) or by the token itself."""
    _tokens().revoke(name)
    click.echo("revoked", err=True)


@tokens_cli.command("list")
@as_json
def list_command(as_json: bool) -> None:
    """Print every token's name, install, time of issue, scopes, end and label, never the token."""
    tokens = sorted(_tokens().all(), key=lambda token: token.issued_at)
    if as_json:
        echo_json([_document(token) for token in tokens])
        return
    for token in tokens:
        told = token.name, token.install or "*", token.issued_at, _scope_text(token)
        click.echo("\t".join((*told, _end_text(token), token.label)))


def _document(token: Token) -> dict[str, object]:
    """A token for a program; `install` is None for one of every install."""
    return {
        "name": token.name,
        "install": token.install or None,
        "issued_at": token.issued_at,
        "scopes": [scope for scope in SCOPES if scope in token.scopes],
        "expires_at": token.expires_at,
        "expired": token.has_expired(datetime.now(UTC)),
        "label": token.label,
    }


def _scope_text(token: Token) -> str:
    return ",".join(scope for scope in SCOPES if scope in token.scopes)


def _end_text(token: Token) -> str:
    if token.expires_at is None:
        return "never expires"
    known = "expired" if token.has_expired(datetime.now(UTC)) else "expires"
    return f"{known} {token.expires_at.isoformat(timespec='seconds')}"


def _tokens() -> Tokens:
    settings = Settings.load()
    return Tokens.from_settings(settings, store_of(settings))
