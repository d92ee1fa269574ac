"""`flask ledger`: the status of all requests or of one, and whether the SLA is kept.

It reads the request states, the queues and the intake store, and changes nothing.
"""

from __future__ import annotations

import time

import click

from addon.commands.group import Group, as_json, echo_json
from addon.commands.status_report import (
    Sources,
    outcome,
    overview,
    overview_lines,
    slo_document,
    slo_head,
    slo_line,
    state_document,
    story,
)
from addon.requests import sla
from addon.settings import Settings

LABEL_WIDTH = 22


@click.group("ledger", cls=Group, invoke_without_command=True)
@as_json
@click.pass_context
def ledger_cli(ctx: click.Context, as_json: bool) -> None:
    """Every request's state and times; without a command, a summary of all."""
    ctx.obj = Sources.from_settings(Settings.load())
    if ctx.invoked_subcommand is not None:
        return
    now = time.time()
    whole = overview(ctx.obj, now)
    if as_json:
        echo_json(whole)
        return
    for line in overview_lines(whole, now):
        click.echo(line)


@ledger_cli.command("show")
@click.argument("sid")
@as_json
@click.pass_obj
def show(sources: Sources, sid: str, as_json: bool) -> None:
    """One request: its state, its times, its tries."""
    entry = sources.states.get(sid)
    kept = {} if entry else outcome(sources.intake_store, sid)
    if not entry and not kept:
        raise click.ClickException(f"nothing is known of {sid}")
    if as_json:
        echo_json(state_document(entry) if entry else {"sid": sid, **kept})
        return
    facts = ((name.replace("_", " "), str(value)) for name, value in kept.items())
    for label, fact in story(entry, time.time()) if entry else facts:
        click.echo(f"{label:<{LABEL_WIDTH}}{fact}")


@ledger_cli.command("slo")
@click.option("--hours", default=24.0, show_default=True, help="Finished within so many hours.")
@as_json
@click.pass_obj
def slo(sources: Sources, hours: float, as_json: bool) -> None:
    """Percentiles of elapsed over duration by length; exit 1 where a class is not kept."""
    rows = sla.paces(sources.states.finished(time.time() - hours * 3600))
    if as_json:
        echo_json(slo_document(rows, hours))
    elif not rows:
        click.echo(f"No request was finished in the last {hours:g} hours.")
    else:
        click.echo(slo_head())
        for row in rows:
            click.echo(slo_line(row))
    if not all(row.kept for row in rows):
        raise SystemExit(1)
