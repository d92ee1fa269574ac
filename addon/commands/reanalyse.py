"""`flask archive reanalyse`: archived recordings get what a newer release or model finds."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import click

from addon.archive.batch import Finding
from addon.commands.group import Moment, operator
from addon.commands.progress import Progress
from addon.requests import scheduling
from addon.settings import Settings
from workers.reanalysis import Reanalysis, Selection
from workers.services import Services


@click.command("reanalyse")
@click.option("--install", help="Of this install (XD…) or account alone.")
@click.option("--since", type=Moment(), help="Made since this day or moment, in UTC.")
@click.option(
    "--only",
    type=click.Choice(["transcript"]),
    help="Only what has no transcript by the present TRANSCRIBER; other figures stay.",
)
@click.option("--dry-run", is_flag=True, help="Say how many there are, and change nothing.")
@click.pass_context
def reanalyse(
    ctx: click.Context, install: str | None, since: datetime | None, only: str | None, dry_run: bool
) -> None:
    """Analyse archived recordings again that this release, with this TRANSCRIBER, has not analysed.

    It runs here, behind live work, and needs a worker's settings and a key that opens the archive.
    Started again, it goes on where it ended. Nothing is sent to anybody: the API and the pages show
    the new result.
    """
    services = Services.from_settings(Settings.load())
    selection = Selection(install, since, only_transcript=only == "transcript")
    work = Reanalysis(services, selection, by=operator())
    work.require_keys()
    work.require_install()
    if dry_run:
        click.echo(_counted(work.candidates()))
        return
    os.setpriority(os.PRIO_PROCESS, 0, max(scheduling.LONG_NICE, os.nice(0)))
    progress = Progress("analysed again", resume="start it again to go on")
    progress.follow(work.run())
    if progress.bad:
        ctx.exit(1)


def _counted(candidates: Iterable[Finding]) -> str:
    states: Counter[str] = Counter(candidate.state for candidate in candidates)
    parts = {"unfinished": "to analyse again", "current": "current", "bad": "bad"}
    return ", ".join(f"{states[state]} {said}" for state, said in parts.items())
