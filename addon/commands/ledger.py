"""`flask ledger`: how the service stands, what became of one request, whether the SLA is kept.

It reads the ledger, the lanes and the store's list of unfinished requests, and changes nothing.
"""

from __future__ import annotations

import time

import click

from addon import sla
from addon.commands.group import Group
from addon.commands.standing import Books, outcome, overview, slo_head, slo_line, story
from addon.settings import Settings

LABEL_WIDTH = 22


@click.group("ledger", cls=Group, invoke_without_command=True)
@click.pass_context
def ledger_cli(ctx: click.Context) -> None:
    """Every request's state and times. Without a command: how things stand."""
    ctx.obj = Books.from_settings(Settings.load())
    if ctx.invoked_subcommand is None:
        for line in overview(ctx.obj, time.time()):
            click.echo(line)


@ledger_cli.command("show")
@click.argument("sid")
@click.pass_obj
def show(books: Books, sid: str) -> None:
    """One request: its state, its times, its tries."""
    entry = books.ledger.entry(sid)
    lines = list(story(entry, time.time())) if entry else list(outcome(books.journal, sid))
    if not lines:
        raise click.ClickException(f"nothing is known of {sid}")
    for label, fact in lines:
        click.echo(f"{label:<{LABEL_WIDTH}}{fact}")


@ledger_cli.command("slo")
@click.option("--hours", default=24.0, show_default=True, help="Finished within so many hours.")
@click.pass_obj
def slo(books: Books, hours: float) -> None:
    """Percentiles of elapsed over duration by length; exit 1 where a class is not kept."""
    rows = sla.paces(books.ledger.finished(time.time() - hours * 3600))
    if not rows:
        click.echo(f"No request was finished in the last {hours:g} hours.")
        return
    click.echo(slo_head())
    for row in rows:
        click.echo(slo_line(row))
    if not all(row.kept for row in rows):
        raise SystemExit(1)
