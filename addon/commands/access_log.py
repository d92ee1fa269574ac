"""`flask archive verify-audit` and `flask archive whois`: check the access log, find an address."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import click

from addon.archive.access_log_check import AccessLogCheck
from addon.archive.configured import control_signer
from addon.archive.opening import store_of
from addon.durable_files import write_file
from addon.playback.addresses import AddressNames
from addon.settings import Settings


@click.command("verify-audit")
@click.option(
    "--heads",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the chains' heads in this file, outside the store, and hold the store to them.",
)
@click.pass_context
def verify_audit(ctx: click.Context, heads: Path | None) -> None:
    """Check every event of the access log; name what is missing, changed or not signed.

    Ends with 1 where something is missing or changed, or where an unsigned event is no longer
    believed (UNSIGNED_CONTROLS_UNTIL), also without a checkpoint of the last half hour, which a
    sweeper signs every ten minutes. What came after the last checkpoint can be removed without a
    trace, unless --heads kept a later one.
    """
    settings = Settings.load()
    known = json.loads(heads.read_bytes()) if heads is not None and heads.exists() else {}
    signer = control_signer(settings)
    check = AccessLogCheck(store_of(settings), signer, known=known, now=datetime.now(UTC))
    counted: Counter[str] = Counter()
    for finding in check.run():
        counted[finding.state] += 1
        if finding.state != "genuine":
            click.echo("\t".join((finding.state, finding.name, finding.reason)))
    told = (f"{counted[state]} {state}" for state in ("genuine", "unsigned", "bad", "missing"))
    click.echo(", ".join(told), err=True)
    if counted["bad"] or counted["missing"] or (counted["unsigned"] and not signer.takes_unsigned):
        ctx.exit(1)
    if heads is not None:
        write_file(heads, [json.dumps(check.heads).encode()], replace=True)


@click.command("whois")
@click.argument("address")
def whois(address: str) -> None:
    """Print the names that an address has in the access log, the present one first.

    Look for them in what `flask archive audit` prints. A name's first part is its key's.
    """
    for name in AddressNames.from_settings(Settings.load()).all_of(address):
        click.echo(name)
