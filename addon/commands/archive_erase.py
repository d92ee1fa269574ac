"""`flask archive erase`: erases recordings, of a person or of a customer too, and goes on when
started again.
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from addon.archive.archive import Archive
from addon.archive.batch import Finding, each
from addon.catalogue.writer import CatalogueWriter
from addon.commands.group import operator
from addon.commands.progress import Progress
from addon.commands.selected import Recording, Selected, Wanted, selection
from addon.errors import KeyMissing, NotStored
from addon.playback.tokens import Tokens
from addon.settings import Settings
from addon.webhooks.endpoints import Endpoints
from addon.webhooks.outbox import Outbox


@click.command("erase")
@selection
@click.option("--reason", help="Kept in the tombstones and the access log.")
@click.option("--dry-run", is_flag=True, help="Name them, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(wanted: Wanted, reason: str | None, dry_run: bool, yes: bool) -> None:
    """Erase recordings for good, leaving signed tombstones.

    With --install also its API tokens and webhook endpoints. A recording that is locked, on hold or
    cannot be read is named, and the others go. Started again, it goes on. It ends with 1 where
    something is left, or where it cannot be known whether something is.
    """
    settings = Settings.load()
    archive = Archive.from_settings(settings)
    found = wanted.find(archive, settings)
    found.say_unknown()
    if dry_run:
        _show(archive, found)
    else:
        if reason is None:
            raise click.UsageError("--reason is needed: it is kept")
        if not yes:
            click.confirm(f"Erase {len(found.recordings)} recordings for good?", abort=True)
        bad = _erase_all(settings, archive, found.recordings, reason)
        if wanted.install:
            bad |= _close_access(settings, archive, wanted.install)
        if bad:
            raise click.exceptions.Exit(1)
    if found.unknown:
        raise click.exceptions.Exit(1)


def _show(archive: Archive, found: Selected) -> None:
    for tenant, recording_id in found.recordings:
        held = archive.holds.standing(tenant, recording_id)
        line = f"{tenant}/{recording_id}"
        click.echo(f"{line}\ton hold: {held.trouble or held.reason}" if held else line)
    click.echo(f"{len(found.recordings)} recordings; nothing was erased", err=True)


def _erase_all(
    settings: Settings, archive: Archive, recordings: list[Recording], reason: str
) -> bool:
    """True where a recording is left."""
    if settings.webhook_hosts:
        archive.at_erasure(Outbox.from_settings(settings, archive.store).promise_erasure)
    catalogue = CatalogueWriter.from_settings(settings)

    def erase_one(recording: Recording) -> Finding:
        try:
            archive.erase(*recording, by=operator(), reason=reason)
        except NotStored:
            if not archive.is_erased(*recording):
                raise
        catalogue.remove(*recording)
        return Finding(*recording, "whole")

    progress = Progress("erased", resume="start it again to go on")
    try:
        progress.follow(each(recordings, erase_one, lambda recording: recording))
    finally:
        catalogue.close()
    return progress.bad > 0


def _close_access(settings: Settings, archive: Archive, install: str) -> bool:
    """Revoke an install's API tokens and remove its endpoints; True where one is left."""
    progress = Progress("tokens and endpoints removed", resume="start it again to go on")
    progress.follow(_closed(settings, archive, install))
    return progress.bad > 0


def _closed(settings: Settings, archive: Archive, install: str) -> Iterator[Finding]:
    try:
        tokens = Tokens.from_settings(settings, archive.store)
        for token in [one for one in tokens.all() if one.install == install]:
            tokens.revoke(token.name)
            yield Finding(install, f"token {token.name}", "whole")
        endpoints = Endpoints.from_settings(settings, archive.store)
        for known in list(endpoints.of(install)):
            endpoints.remove(install, known.endpoint.id)
            yield Finding(install, f"endpoint {known.endpoint.id}", "whole")
    except KeyMissing as error:
        yield Finding(install, "tokens and endpoints", "bad", problem=error.message)
