"""`flask archive export`: all that is held of some recordings, as one zip file in the clear."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from addon.analysis.captions import captions
from addon.archive.archive import Archive
from addon.archive.export import Export
from addon.commands.group import operator
from addon.commands.selected import Wanted, selection
from addon.durable_files import write_file
from addon.errors import KeyMissing
from addon.settings import Settings


@click.command("export")
@selection
@click.option(
    "-o",
    "output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="The zip file; - is standard output.",
)
def export(wanted: Wanted, output: Path) -> None:
    """Write audio, result, transcript, notes and access log of recordings into a zip file.

    It needs a key that opens the archive. The file is in the clear, for its owner alone, and holds
    withheld recordings too. What cannot be read is named there and here, and ends it with 1.
    """
    settings = Settings.load()
    archive = Archive.from_settings(settings)
    if not archive.decryption_keys:
        raise KeyMissing(
            "this process has no key that opens the archive",
            remedy="Start it where ARCHIVE_PRIVATE_KEYS, ARCHIVE_KMS_KEYS or ARCHIVE_LOCAL_KEY is "
            "set.",
        )
    found = wanted.find(archive, settings)
    found.say_unknown()
    about = {"asked_for": wanted.as_document(), "not_known": found.unknown}
    made = Export(archive, _transcript, by=operator(), about=about)
    blocks = made.blocks(found.recordings)
    if str(output) == "-":
        sys.stdout.buffer.writelines(blocks)
    else:
        write_file(output, blocks, replace=False)
    for (tenant, recording_id), trouble in made.troubles.items():
        click.echo(f"bad\t{tenant}/{recording_id}\t{trouble}", err=True)
    click.echo(f"{output}: {made.done} recordings whole, {len(made.troubles)} bad", err=True)
    if made.troubles or found.unknown:
        raise click.exceptions.Exit(1)


def _transcript(analysis: Mapping[str, Any]) -> str | None:
    """As text; None where there is none, or of a form that another release wrote."""
    try:
        transcript = (analysis.get("result") or {}).get("transcript")
        return captions(transcript, "txt") if transcript else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
