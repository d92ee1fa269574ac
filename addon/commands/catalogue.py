"""`flask catalogue`: rebuild the catalogue from the archive, and say how complete it is."""

from __future__ import annotations

from dataclasses import asdict

import click

from addon.archive.archive import Archive
from addon.archive.opening import store_of
from addon.catalogue import Catalogue
from addon.catalogue.rebuild import Rebuild
from addon.commands.group import Group, as_json, echo_json
from addon.commands.progress import Progress
from addon.requests.intake_store import IntakeStore
from addon.settings import Settings
from workers.catalogue_check import failure_code


@click.group("catalogue", cls=Group)
def catalogue_cli() -> None:
    """The index of recordings: rebuild it, look at it."""


@catalogue_cli.command("rebuild")
@click.option("--from-start", is_flag=True, help="Do not go on where a rebuild was interrupted.")
@click.pass_context
def rebuild_command(ctx: click.Context, from_start: bool) -> None:
    """Make the catalogue of the archive, which stays in use meanwhile.

    It needs a key that opens the archive. Started again, it goes on where it ended. A catalogue
    that was made with another CATALOGUE_KEY is emptied first.
    """
    settings = Settings.load()
    store = store_of(settings)
    kept = IntakeStore.from_settings(settings, store)
    archive = Archive.from_settings(settings, store)
    catalogue = Catalogue.from_settings(settings)
    rebuild = Rebuild(archive, catalogue, lambda sid: failure_code(kept, sid))
    rebuild.require_keys()
    progress = Progress("in the catalogue", resume="start it again to go on")
    progress.follow(rebuild.run(from_start=from_start))
    catalogue.close()
    if progress.bad:
        ctx.exit(1)


@catalogue_cli.command("status")
@as_json
def status_command(as_json: bool) -> None:
    """Say how many recordings are in the catalogue, and how many of them without figures."""
    catalogue = Catalogue.from_settings(Settings.load())
    status = catalogue.status(catalogue.installs())
    catalogue.close()
    if as_json:
        echo_json(asdict(status))
        return
    compared = status.compared_at.isoformat(" ", "seconds") if status.compared_at else "never"
    click.echo(f"{status.recordings} recordings, {status.unknown} of them without figures")
    click.echo(f"last found to be complete: {compared}")
