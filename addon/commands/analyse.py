"""`flask analyse`: the analysis of local recordings, for people who would rather look.

It needs no settings, no Redis and no archive, and leaves nothing behind but the plot asked for.
Words come with the figures where TRANSCRIBER is set.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import click

from addon.commands.analysis_table import table
from addon.errors import AddonError, SettingsError

if TYPE_CHECKING:
    from addon.analysis import Options, Report

_BLOCK_BYTES = 1 << 20


@click.command("analyse")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One result object a line.")
@click.option(
    "--plot", "target", type=click.Path(path_type=Path), help="Draw one file into OUT.png or .svg."
)
@click.option(
    "--agent-channel",
    type=click.Choice(["0", "1"]),
    default="1",
    show_default=True,
    help="The channel that the agent is on; Flex uses 1, the right one.",
)
def analyse_cli(
    files: tuple[Path, ...], as_json: bool, target: Path | None, agent_channel: str
) -> None:
    """Analyse recordings: a table for each, or with --json one result object a line."""
    _check_plot(files, target)
    options, without_words = _options(int(agent_channel), plotted=target is not None)
    failed = False
    for file in files:
        try:
            document, report = _analysed(file, options)
        except (AddonError, OSError) as error:
            click.echo(f"{file}: {_sentence(error)}", err=True)
            failed = True
            continue
        if without_words is not None:
            document |= {"transcript": None, "transcript_reason": without_words}
        click.echo(json.dumps(document) if as_json else table(str(file), document))
        if target is not None:
            _plot(report, file, target)
    if failed:
        sys.exit(1)


def _check_plot(files: tuple[Path, ...], target: Path | None) -> None:
    if target is None:
        return
    if target.suffix.lower() not in (".png", ".svg"):
        raise click.ClickException("--plot writes a file that ends in .png or .svg.")
    if len(files) > 1:
        raise click.ClickException("--plot draws one file at a time.")


def _options(agent_channel: int, *, plotted: bool) -> tuple[Options, str | None]:
    """The options, and the reason why there will be no words."""
    from addon.analysis import Hints, Options, open_transcriber, roles_with_agent_on
    from addon.analysis.rules import rules_or_trouble
    from addon.settings import Settings

    plain = Options(roles=roles_with_agent_on(agent_channel), waveform=plotted)
    try:
        settings = Settings.load()
        transcriber = open_transcriber(settings.transcriber)
    except SettingsError as error:
        return plain, f"{error.message}."
    if transcriber is None:
        return plain, "TRANSCRIBER is not set. make setup WORDS=1 installs a model for it."
    hints = Hints.of(
        settings.transcriber_language.get("", "auto"), settings.transcriber_vocabulary.get("", "")
    )
    asked = replace(plain, rules=rules_or_trouble(settings.rules[""]), sentiment=settings.sentiment)
    return replace(asked, transcriber=transcriber, hints=hints), None


def _analysed(file: Path, options: Options) -> tuple[dict[str, Any], Report]:
    """The `result` object of one file, without what only the service knows, and its report."""
    from addon.analysis import RecordingPass
    from addon.archive.spool import SealedSpool

    one = RecordingPass(options, spool=lambda: cast(BinaryIO, SealedSpool()))
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as recording:
        while block := recording.read(_BLOCK_BYTES):
            one.feed(block)
            digest.update(block)
            size += len(block)
    with _quiet_decoders():
        for _ in one.finish():
            pass
    document = one.report.as_result()
    document["audio"] |= {"size_bytes": size, "sha256": digest.hexdigest()}
    document.pop("waveform", None)
    return document, one.report


@contextmanager
def _quiet_decoders() -> Iterator[None]:
    """Keep what the MP3 library writes to the terminal about sound MP3 files away from it."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _plot(report: Report, file: Path, target: Path) -> None:
    from addon.analysis.plot import plot

    try:
        plot(report, file.name, target)
    except ImportError:
        raise click.ClickException(
            "--plot needs matplotlib: install requirements/plot.txt."
        ) from None
    except OSError as error:
        raise click.ClickException(f"{target}: {_sentence(error)}") from None


def _sentence(error: AddonError | OSError) -> str:
    if isinstance(error, AddonError):
        return f"{error.message.rstrip('.')}."
    return f"{error.strerror or type(error).__name__}."
