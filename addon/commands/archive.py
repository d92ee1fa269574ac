"""`flask archive`: operate the archive from a shell.

Long work says on standard error how far it is and where to go on. `get` is the one place where
plaintext is written to a disk, because an operator asked for exactly that file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from addon.archive.archive import Archive
from addon.archive.configured import master_decryption_keys
from addon.archive.index import tenants
from addon.archive.index_check import check_index
from addon.archive.manifest import Manifest
from addon.archive.message import decrypt
from addon.archive.names import Unreadable
from addon.archive.reencryption import reencrypt, reencrypt_all
from addon.archive.sealing import context_of
from addon.archive.verification import verify, verify_all
from addon.commands.access_log import verify_audit, whois
from addon.commands.archive_erase import erase
from addon.commands.archive_export import export
from addon.commands.archive_hold import hold_cli
from addon.commands.archive_keys import epoch_key, new_epoch, rewrap_epoch
from addon.commands.group import Group, operator
from addon.commands.progress import Progress
from addon.commands.reanalyse import reanalyse
from addon.commands.selected import holder
from addon.commands.sign_controls import sign_controls
from addon.durable_files import write_file
from addon.settings import Settings


@click.group("archive", cls=Group)
def archive_cli() -> None:
    """List, read, verify and erase archived recordings; turn their keys."""


archive_cli.add_command(erase)
archive_cli.add_command(export)
archive_cli.add_command(hold_cli)
archive_cli.add_command(new_epoch)
archive_cli.add_command(epoch_key)
archive_cli.add_command(rewrap_epoch)
archive_cli.add_command(reanalyse)
archive_cli.add_command(sign_controls)
archive_cli.add_command(verify_audit)
archive_cli.add_command(whois)

_tenant = click.option("--tenant", help="The install (XD…) or account that holds it.")
_after = click.option("--after", metavar="TENANT/ID", help="Go on behind this recording.")


@archive_cli.command("list")
@_tenant
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Of one UTC day.")
@click.option("--call", "call_sid", help="Of one call (CA…).")
@click.option("--json", "as_json", is_flag=True, help="A manifest a line.")
def list_command(
    tenant: str | None, day: datetime | None, call_sid: str | None, as_json: bool
) -> None:
    """List recordings in the order of time: all, or of a tenant, a day, a call.

    One whose manifest cannot be read is named on standard error, and the exit code is 1.
    """
    archive, unreadable = _archive(), False
    for found in _tenants(archive, tenant):
        for entry in _entries(archive, found, day.date() if day else None, call_sid):
            manifest = archive.examined(entry)
            if isinstance(manifest, Unreadable):
                unreadable = True
                click.echo(f"{entry.tenant}\t{entry.recording_id}\t{manifest.trouble}", err=True)
            elif manifest is not None:
                click.echo(json.dumps(manifest.as_document()) if as_json else _line(manifest))
    if unreadable:
        sys.exit(1)


def _line(manifest: Manifest) -> str:
    """A recording in the list."""
    facts = manifest.facts
    seconds = "-" if facts.duration_seconds is None else f"{facts.duration_seconds:.1f} s"
    size = f"{manifest.audio.plaintext_size} B"
    at = manifest.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    ids = manifest.tenant, manifest.recording_id, facts.call_sid or "-"
    return "\t".join((at, *ids, facts.format, seconds, size))


@archive_cli.command("get")
@click.argument("recording_id")
@_tenant
@click.option("-o", "output", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option(
    "--ciphertext",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Open this file, fetched from the API with direct=1; needs --tenant and the private key.",
)
def get_command(
    recording_id: str, tenant: str | None, output: Path | None, ciphertext: Path | None
) -> None:
    """Decrypt a recording into a file that appears only once every byte is verified.

    Its access log says who did, before the first byte is decrypted.
    """
    if ciphertext is not None:
        _open_file(ciphertext, tenant, recording_id, output or Path(f"{recording_id}.audio"))
        return
    archive = _archive()
    manifest = archive.manifest(holder(archive, recording_id, tenant), recording_id)
    _say_what_may_be_heard(manifest)
    archive.access_log.record(
        manifest.tenant, recording_id, "exported", {"by": operator()}, at=datetime.now(UTC)
    )
    output = output or Path(f"{recording_id}.{manifest.facts.format}")
    if str(output) == "-":
        sys.stdout.buffer.writelines(archive.decrypted(manifest, "audio"))
        return
    write_file(output, archive.decrypted(manifest, "audio"), replace=True)
    click.echo(f"{output}: {manifest.audio.plaintext_size} bytes", err=True)


def _say_what_may_be_heard(manifest: Manifest) -> None:
    """Warn of digits that may be audible: REDACT_DTMF=required keeps them from listeners alone."""
    facts = manifest.facts
    if facts.redaction != "complete":
        known = "not known whether they are muted" if facts.redaction is None else facts.redaction
        click.echo(
            f"{manifest.recording_id}: digits may be audible (redaction: {known}). "
            f"{facts.redaction_reason or ''}".rstrip(),
            err=True,
        )


def _open_file(ciphertext: Path, tenant: str | None, recording_id: str, output: Path) -> None:
    """Ciphertext from elsewhere: whole, and of this very recording, or no file at all.

    Only a manifest says who sealed it; without the store there is none to ask.
    """
    if tenant is None:
        raise click.UsageError("--ciphertext needs the --tenant that the API named")
    context = context_of(tenant, recording_id, "audio")
    with ciphertext.open("rb") as file:
        blocks = iter(lambda: file.read(1 << 20), b"")
        plaintext = decrypt(blocks, master_decryption_keys(Settings.load()), context)
        write_file(output, plaintext, replace=True)
    click.echo(f"{output}: opened", err=True)


@archive_cli.command("verify")
@click.argument("recording_ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every recording of every tenant.")
@_tenant
@_after
@click.pass_context
def verify_command(
    ctx: click.Context,
    recording_ids: tuple[str, ...],
    everything: bool,
    tenant: str | None,
    after: str | None,
) -> None:
    """Decrypt and compare recordings with their signed manifests; name each bad one."""
    archive = _archive()
    if not everything and not recording_ids:
        raise click.UsageError("name recordings, or give --all")
    if not archive.decryption_keys:
        click.echo("no key that opens: ciphertext is compared with the manifests", err=True)
    for recording_id in recording_ids:
        verify(archive, holder(archive, recording_id, tenant), recording_id)
        click.echo(f"{recording_id}: whole")
    if everything:
        progress = Progress("verified")
        progress.follow(verify_all(archive, after=_cursor(after)))
        if progress.bad:
            ctx.exit(1)


@archive_cli.command("check-index")
@click.option("--mend", is_flag=True, help="Write what is missing, remove what is unexplained.")
@click.option("--after", metavar="KEY", default="", help="Go on behind this object.")
@click.pass_context
def check_index_command(ctx: click.Context, mend: bool, after: str) -> None:
    """Compare the index, which the lists are made of, with the signed manifests."""
    progress = Progress("mended")
    progress.follow(check_index(_archive(), mend=mend, after=after))
    if progress.bad:
        ctx.exit(1)


@archive_cli.command("audit")
@click.argument("recording_id")
@_tenant
def audit_command(recording_id: str, tenant: str | None) -> None:
    """Print a recording's access log, an event a line; erased recordings keep theirs."""
    archive = _archive()
    tenants = (tenant,) if tenant else archive.find(recording_id)
    if not tenants:
        raise click.UsageError("not in the index (erased?): name its --tenant")
    for held_by in tenants:
        for event in archive.access_log.events(held_by, recording_id):
            click.echo(json.dumps(event))


@archive_cli.command("reencrypt")
@click.argument("recording_ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that other keys can open too.")
@click.option("--force", is_flag=True, help="With --all: also what only present keys open.")
@_tenant
@_after
@click.pass_context
def reencrypt_command(
    ctx: click.Context,
    recording_ids: tuple[str, ...],
    everything: bool,
    force: bool,
    tenant: str | None,
    after: str | None,
) -> None:
    """After a compromise: seal recordings anew for the present ARCHIVE_PUBLIC_KEYS."""
    archive = _archive()
    if not everything and not recording_ids:
        raise click.UsageError("name recordings, or give --all")
    for recording_id in recording_ids:
        reencrypt(archive, holder(archive, recording_id, tenant), recording_id, by=operator())
        click.echo(f"{recording_id}: sealed anew")
    if everything:
        progress = Progress("sealed anew")
        progress.follow(reencrypt_all(archive, by=operator(), after=_cursor(after), force=force))
        if progress.bad:
            ctx.exit(1)


def _archive() -> Archive:
    return Archive.from_settings(Settings.load())


def _tenants(archive: Archive, tenant: str | None) -> Iterator[str]:
    return iter((tenant,)) if tenant else tenants(archive.store)


def _entries(
    archive: Archive, tenant: str, day: date | None, call_sid: str | None
) -> Iterator[Any]:
    cursor: str | None = None
    while True:
        page = archive.list(tenant, day=day, call_sid=call_sid, cursor=cursor)
        yield from page.entries
        cursor = page.cursor
        if cursor is None:
            return


def _cursor(after: str | None) -> tuple[str, str] | None:
    if after is None:
        return None
    tenant, slash, recording_id = after.partition("/")
    if not slash:
        raise click.UsageError("--after takes TENANT/ID, as the progress line prints it")
    return tenant, recording_id
