"""`flask ledger`: the status of all requests or of one, and whether the SLA is kept.

It reads the request states, the queues and the intake store, and changes nothing.
"""

from __future__ import annotations

import time

import click

from addon.commands.group import Group
from addon.commands.status_report import Sources, outcome, overview, slo_head, slo_line, story
from addon.requests import sla
from addon.settings import Settings

LABEL_WIDTH = 22


@click.group("ledger", cls=Group, invoke_without_command=True)
@click.pass_context
def ledger_cli(ctx: click.Context) -> None:
    """Every request's state and times; without a command, a summary of all."""
    ctx.obj = Sources.from_settings(Settings.load())
    if ctx.invoked_subcommand is None:
        for line in overview(ctx.obj, time.time()):
            click.echo(line)


@ledger_cli.command("show")
@click.argument("sid")
@click.pass_obj
def show(sources: Sources, sid: str) -> None:
    """One request: its state, its times, its tries."""
    entry = sources.states.get(sid)
    lines = list(story(entry, time.time())) if entry else list(outcome(sources.intake_store, sid))
    if not lines:
        raise click.ClickException(f"nothing is known of {sid}")
    for label, fact in lines:
        click.echo(f"{label:<{LABEL_WIDTH}}{fact}")


@ledger_cli.command("slo")
@click.option("--hours", default=24.0, show_default=True, help="Finished within so many hours.")
@click.pass_obj
def slo(sources: Sources, hours: float) -> None:
    """Percentiles of elapsed over duration by length; exit 1 where a class is not kept."""
    rows = sla.paces(sources.states.finished(time.time() - hours * 3600))
    if not rows:
        click.echo(f"No request was finished in the last {hours:g} hours.")
        return
    click.echo(slo_head())
    for row in rows:
        click.echo(slo_line(row))
    if not all(row.kept for row in rows):
        raise SystemExit(1)
