"""Plans and trials of tests: short times, and an add-on of one's own for each clause."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from addon.commands.conformance.clause import Clause, Finding
from addon.commands.conformance.suite import conform, tried
from addon.commands.conformance.trial import Plan, Run
from addon.commands.marketplace import Marketplace
from tests.commands.conformance.double import CREDENTIALS, LIMIT, TOKEN, Double
from tests.commands.conformance.spoilt import AUDIO_SECONDS, SPOILT

PLAN = Plan(
    "",
    audio_seconds=AUDIO_SECONDS,
    patience_s=30.0,
    settle_s=3.0,
    slow_s=0.4,
    large_bytes=LIMIT * 3 // 4,
    size_limit=LIMIT,
    result_limit=4000,
    schema={"type": "object", "required": ["status"]},
    must_call=True,
)
"""What is expected to come is waited for as long as a busy machine may need."""

NOTHING_COMES_S = 1.0
"""Patience where a result is expected not to come."""


def stand_in(credentials: str | None = ":".join(CREDENTIALS)) -> Marketplace:
    return Marketplace("AC" + 32 * "1", TOKEN, credentials=credentials)


def findings(market: Marketplace, double: Double, plan: Plan) -> dict[str, Finding]:
    """Every clause's finding about one add-on."""
    with double.running():
        found = conform(Run(replace(plan, to=double.url), market))
    return {finding.clause.name: finding for finding in found}


def findings_of_spoilt(clauses: Sequence[Clause]) -> dict[str, Finding]:
    """Each clause's finding about the add-on that breaks it, all at once."""

    def found(clause: Clause) -> Finding:
        double, reason = SPOILT[clause.name]
        patience = NOTHING_COMES_S if reason == "no result" else PLAN.patience_s
        with double().running() as running:
            plan = replace(PLAN, to=running.url, patience_s=patience)
            return tried(Run(plan, market), clause)

    with stand_in() as market, ThreadPoolExecutor(len(clauses)) as pool:
        return {finding.clause.name: finding for finding in pool.map(found, clauses)}


def check_fails(finding: Finding) -> None:
    """The finding is a failure for the expected reason, with what was sent as its proof."""
    expected = SPOILT[finding.clause.name][1]
    assert (finding.result, expected in finding.reason) == ("fail", True), finding
    assert any(line.startswith("> POST") for line in finding.evidence)
