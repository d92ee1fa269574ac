"""`flask archive hold`: legal holds, which keep single recordings from every erasure."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from addon.archive.archive import Archive
from addon.archive.holds import MAX_REASON, Hold
from addon.commands.group import Group, operator
from addon.commands.selected import holder
from addon.settings import Settings


@click.group("hold", cls=Group)
def hold_cli() -> None:
    """Keep single recordings from being erased, by anybody, until it is lifted."""


_tenant = click.option("--tenant", help="The install (XD…) or account that holds it.")


def _checked_reason(_ctx: click.Context, _option: click.Parameter, text: str) -> str:
    if not text.strip() or len(text) > MAX_REASON:
        raise click.BadParameter(f"1 to {MAX_REASON} characters")
    return text.strip()


_reason = click.option(
    "--reason", required=True, callback=_checked_reason, help="Kept, and shown on its page."
)


@hold_cli.command("place")
@click.argument("recording_id")
@_tenant
@_reason
def place_command(recording_id: str, tenant: str | None, reason: str) -> None:
    """Hold a recording: neither a command, the API nor retention erases it."""
    archive = Archive.from_settings(Settings.load())
    hold = _hold(archive, recording_id, tenant, reason)
    archive.holds.place(hold, archive.manifest)
    click.echo(f"{recording_id}: on hold", err=True)


@hold_cli.command("lift")
@click.argument("recording_id")
@_tenant
@_reason
def lift_command(recording_id: str, tenant: str | None, reason: str) -> None:
    """Lift a hold. The access log keeps that there was one."""
    archive = Archive.from_settings(Settings.load())
    archive.holds.lift(_hold(archive, recording_id, tenant, reason))
    click.echo(f"{recording_id}: no longer on hold", err=True)


@hold_cli.command("list")
def list_command() -> None:
    """List the recordings on hold: who placed it, when and why."""
    archive = Archive.from_settings(Settings.load())
    for one in archive.holds.all():
        since = one.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if one.at else "-"
        said = one.trouble or one.reason
        click.echo("\t".join((one.tenant, one.recording_id, since, one.by or "-", said)))


def _hold(archive: Archive, recording_id: str, tenant: str | None, reason: str) -> Hold:
    found = holder(archive, recording_id, tenant)
    return Hold(found, recording_id, operator(), datetime.now(UTC), reason)
