"""`flask check`: everything that a deployment rests on, tried; each finding in words.

Exit codes: 0 where all is fine or a warning, 1 where anything is wrong, 2 for a wrong command line.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from addon.checks.finding import Finding
from addon.checks.table import Result, gravest, run
from addon.errors import SettingsError
from addon.settings import Settings


@click.command("check")
@click.option("--json", "as_json", is_flag=True, help="One document instead of lines.")
def check(as_json: bool) -> None:
    """Try what a deployment rests on; exit 1 where anything is wrong, 0 with warnings.

    It writes to the store and to Redis under names of its own, and removes what it wrote.
    """
    results = []
    try:
        for result in run(Settings.load()):
            results.append(result)
            if not as_json:
                _print(result)
    except SettingsError as error:
        _refuse(error, as_json=as_json)
    level = gravest([result.level for result in results])
    if as_json:
        click.echo(json.dumps({"level": level, "checks": [_document(each) for each in results]}))
    if level == "wrong":
        sys.exit(1)


def _print(result: Result) -> None:
    """A line a finding, with its remedy; details are indented below it."""
    subject = result.check.subject
    if not result.findings:
        click.echo(f"{'fine':7}  {subject}")
    for finding in result.findings:
        said = "" if finding.sentence == subject else f": {finding.sentence}"
        click.echo(f"{finding.level:7}  {subject}{said}{_remedy(finding)}")
        for line in finding.detail:
            click.echo(f"{'':9}{line}")


def _remedy(finding: Finding) -> str:
    return f". {finding.remedy}" if finding.remedy else ""


def _document(result: Result) -> dict[str, Any]:
    findings = [
        {
            "level": finding.level,
            "sentence": finding.sentence,
            "remedy": finding.remedy or None,
            "detail": list(finding.detail),
        }
        for finding in result.findings
    ]
    return {"subject": result.check.subject, "level": result.level, "findings": findings}


def _refuse(error: SettingsError, *, as_json: bool) -> None:
    """Settings that cannot be read are the only finding: nothing else can be tried."""
    if as_json:
        finding = {
            "level": "wrong",
            "sentence": error.message,
            "remedy": error.remedy,
            "detail": [],
        }
        row = {"subject": "settings", "level": "wrong", "findings": [finding]}
        click.echo(json.dumps({"level": "wrong", "checks": [row]}))
    else:
        click.echo(f"wrong    settings: {error.message}. {error.remedy}")
    sys.exit(1)
