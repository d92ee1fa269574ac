"""`flask sessions`: people who are signed in to the pages, and ending their sessions at once."""

from __future__ import annotations

import click

from addon.archive.opening import store_of
from addon.commands.group import Group
from addon.requests.connections import web_connection
from addon.settings import Settings
from addon.web.sessions import Sessions


@click.group("sessions", cls=Group)
def sessions_cli() -> None:
    """List and end the sessions of people."""


@sessions_cli.command("list")
def list_command() -> None:
    """Print every session's name, start, end and user, oldest first; never its cookie."""
    found = sorted(_sessions().all(), key=lambda each: each[1].started_at)
    for name, session in found:
        moments = (session.started_at, session.ends_at)
        times = (moment.isoformat("T", "seconds") for moment in moments)
        click.echo("\t".join((name, *times, session.user)))


@sessions_cli.command("end")
@click.argument("name", required=False)
@click.option("--user", help="Every session of this e-mail address, user name or id at the issuer.")
@click.option("--all", "everyone", is_flag=True, help="Every session of everybody.")
def end_command(name: str | None, user: str | None, everyone: bool) -> None:
    """End at once a session by its name (see list), every session of a user, or all."""
    if sum((name is not None, user is not None, everyone)) != 1:
        raise click.UsageError("Name one session, or give --user, or --all.")
    sessions = _sessions()
    if everyone:
        ended = sessions.end_all()
    elif user is not None:
        ended = sessions.end_user(user)
    else:
        ended = sessions.end_named(name or "")
    if not ended and not everyone:
        raise click.ClickException("There is no such session.")
    click.echo(f"{ended} ended", err=True)


def _sessions() -> Sessions:
    settings = Settings.load()
    return Sessions.from_settings(settings, web_connection(settings.redis_url), store_of(settings))
