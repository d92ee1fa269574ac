"""The report of docs/conformance.md: `python -m tests.conformance_page` starts the service, holds
it against every clause, and writes the table anew."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from addon.commands.conformance import reports
from addon.commands.conformance.clause import Finding
from addon.commands.conformance.suite import conform
from addon.commands.conformance.trial import Plan, Run
from tests.end_to_end.deployment import Deployment, deployed

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "conformance.md"
SCHEMA = ROOT / "docs" / "result.schema.json"
UPLOAD_LIMIT = 14 * 1024 * 1024

BEGIN = "<!-- made by python -m tests.conformance_page -->\n"
END = "<!-- end of what is made -->\n"


def plan(deployment: Deployment) -> Plan:
    """The whole suite against a deployment of ours that may call the suite."""
    return Plan(
        deployment.invocations,
        must_call=True,
        size_limit=UPLOAD_LIMIT,
        schema=json.loads(SCHEMA.read_text(encoding="utf-8")),
    )


def page(text: str, findings: Sequence[Finding]) -> str:
    """The page's text with the findings as its table."""
    rows = "".join(
        f"| `{clause.name}` | {clause.demand} | {clause.cites} | {result} |\n"
        for clause, result in ((each.clause, each.result) for each in findings)
    )
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    columns = "| clause | demand | paragraph | result |\n|---|---|---|---|\n"
    return f"{head}{BEGIN}{columns}{rows}{END}{tail}"


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        deployed(Path(folder), MAX_UPLOAD_BYTES=str(UPLOAD_LIMIT)) as deployment,
    ):
        findings = conform(Run(plan(deployment), deployment.market))
    print(reports.text(findings), file=sys.stderr)
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), findings), encoding="utf-8")


if __name__ == "__main__":
    main()
