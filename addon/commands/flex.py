"""`flask flex`: look for recordings that nobody announced, archive old ones, see what waits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

import click

from addon.commands.group import Group, Moment, as_json, echo_json
from addon.settings import Settings
from workers import flex_deletion, flex_reconcile
from workers.flex_backfill import Backfill, Progress, backfills
from workers.services import Services

MAX_SHOWN = 20
"""Lines of one kind: the count says the rest."""


@click.group("flex", cls=Group)
@click.pass_context
def flex_cli(ctx: click.Context) -> None:
    """Flex recordings: reconcile, backfill, status."""
    ctx.obj = Services.from_settings(Settings.load().for_worker())


@flex_cli.command("reconcile")
@click.pass_obj
def reconcile(services: Services) -> None:
    """List the account's recent recordings now, and archive those that no callback announced."""
    found = flex_reconcile.reconcile(services)
    click.echo(f"{found.listed} listed, {found.picked_up} picked up")


@flex_cli.command("backfill")
@click.option("--from", "since", type=Moment(), required=True, help="First day or moment, in UTC.")
@click.option("--to", "until", type=Moment(), help="Last moment (default: today, 00:00 UTC).")
@click.option("--rate", default=5.0, show_default=True, type=click.FloatRange(0.01, 100.0))
@click.option("--restart", is_flag=True, help="Go through the list from its beginning.")
@click.pass_obj
def backfill(
    services: Services, since: datetime, until: datetime | None, rate: float, restart: bool
) -> None:
    """Archive recordings of the past, behind all live work; the same call again goes on."""
    until = until or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if until <= since:
        raise click.ClickException("--to must lie after --from")
    work = Backfill(services, since, until, rate=rate)
    if restart:
        work.save(Progress())
    for progress in work.run():
        click.echo(_so_far(progress), err=True)
    click.echo(_so_far(work.load()))


@flex_cli.command("status")
@as_json
@click.pass_obj
def status(services: Services, as_json: bool) -> None:
    """Show waiting deletions at Twilio, backfills, and the last look for unannounced recordings."""
    found = _status(services, explained=None if as_json else MAX_SHOWN)
    if as_json:
        echo_json(found)
        return
    for line in _status_lines(found):
        click.echo(line)


def _status(services: Services, explained: int | None) -> dict[str, Any]:
    """The status as a document; so many of the deletions held back have their reason."""
    settings, store = services.settings, services.store
    plans = list(flex_deletion.plans(store))
    held = [each for each in plans if not each.due]
    reasons = [flex_deletion.why_held(store, settings, each) for each in held[:explained]]
    return {
        "looked_until": flex_reconcile.looked_until(services),
        "backfills": {name: vars(progress) for name, progress in backfills(store)},
        "deletes_at_source": bool(settings.delete_at_source_after_s),
        "deletions_waiting": [
            {"recording": each.recording_sid, "not_before": each.due} for each in plans if each.due
        ],
        "deletions_held": [
            {"recording": each.recording_sid, "reason": reason}
            for each, reason in zip_longest(held, reasons)
        ],
    }


def _status_lines(found: dict[str, Any]) -> Iterator[str]:
    looked = found["looked_until"]
    yield f"Looked for unannounced recordings: {looked.isoformat() if looked else 'never'}"
    for name, progress in found["backfills"].items():
        yield f"Backfill {name}: {_so_far(Progress(**progress))}"
    waiting, held = found["deletions_waiting"], found["deletions_held"]
    switch = "on" if found["deletes_at_source"] else "off: nothing is deleted"
    yield f"Deletion at Twilio is {switch}; {len(waiting)} waiting, {len(held)} held back"
    for each in waiting[:MAX_SHOWN]:
        yield f"  {each['recording']}\tnot before {each['not_before']:%Y-%m-%d %H:%M:%S} UTC"
    for each in held[:MAX_SHOWN]:
        yield f"  {each['recording']}\theld: {each['reason']}"


def _so_far(progress: Progress) -> str:
    state = "done" if progress.done else "not done"
    return f"{progress.listed} listed, {progress.taken_up} taken up, {state}"
