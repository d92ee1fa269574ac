"""`flask rules`: look at a file of rules, and at what it would find in an archived recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from addon.analysis.categories import Category, categories_of
from addon.analysis.rules import STARTER_FILE, open_rules
from addon.archive.archive import Archive
from addon.commands.group import Group
from addon.commands.selected import holder
from addon.errors import NotStored
from addon.settings import Settings


@click.group("rules", cls=Group)
def rules_cli() -> None:
    """Check the phrases that are looked for in transcripts, and try them on a recording."""


@rules_cli.command("check")
@click.argument("file")
def check_command(file: str) -> None:
    """Say what is wrong in a file of rules, with its line; exit 1 where anything is."""
    click.echo(f"{file}: {len(open_rules(file).rules)} rules, fine")


@rules_cli.command("show")
def show_command() -> None:
    """Print the starter set, to begin a file of one's own with."""
    click.echo(STARTER_FILE.read_text(encoding="utf-8"), nl=False)


@rules_cli.command("test")
@click.argument("file")
@click.option("--recording", "recording_id", required=True, help="An archived recording (RE…).")
@click.option("--tenant", help="The install (XD…) or account that holds it.")
def test_command(file: str, recording_id: str, tenant: str | None) -> None:
    """Show what each rule of FILE, or of `starter`, would have found in an archived recording.

    Its transcript is decrypted in memory; what was said there is printed, and nothing is written.
    """
    rule_set = open_rules(file)
    categories = categories_of(rule_set, _result(recording_id, tenant))
    if categories.found is None:
        raise click.ClickException(categories.reason or "There is nothing to look in.")
    for rule in rule_set.rules:
        own = [category for category in categories.found if category.rule is rule]
        click.echo(f"{rule.name}: {'' if own else 'not found'}".rstrip())
        for category in own:
            for line in _lines(category):
                click.echo(f"  {line}")


def _result(recording_id: str, tenant: str | None) -> Mapping[str, Any]:
    """The archived result. Raises NotStored where the recording has none."""
    archive = Archive.from_settings(Settings.load())
    document = archive.analysis(holder(archive, recording_id, tenant), recording_id)
    result: Mapping[str, Any] | None = document.get("result")
    if result is None:
        raise NotStored("this recording was archived without a result")
    return result


def _lines(category: Category) -> list[str]:
    """A line for each place, with how like the phrase it is; one where there is none."""
    if not category.places:
        return [f"{category.status}, {category.party}. {category.reason or ''}".rstrip()]
    return [
        f"{place.start:.1f} to {place.stop:.1f} s, {category.party}, "
        f"{place.likeness:.0f} % alike: {place.text}"
        for place in category.places
    ]
