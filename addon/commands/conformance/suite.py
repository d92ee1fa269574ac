"""The table of all clauses, and their trials: beside each other, or alone where one asks for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from addon.commands.conformance import (
    callback_clauses,
    repeat_clauses,
    request_clauses,
    result_clauses,
    signature_clauses,
)
from addon.commands.conformance.clause import Clause, Finding, Result
from addon.commands.conformance.trial import Failed, NotTried, Run, Trial

CLAUSES: tuple[Clause, ...] = (
    *signature_clauses.CLAUSES,
    *request_clauses.CLAUSES,
    *repeat_clauses.CLAUSES,
    *callback_clauses.CLAUSES,
    *result_clauses.CLAUSES,
)

AT_ONCE = 8
"""Trials beside each other: they mostly wait, and more would be a load test."""


def conform(
    run: Run, clauses: Sequence[Clause] = CLAUSES, tell: Callable[[Finding], None] = lambda _: None
) -> list[Finding]:
    """Try the clauses; findings in their order, each told of as it is made.

    Raises HTTPError where the service does not answer at all.
    """
    run.probe()
    found: dict[str, Finding] = {}

    def keep(finding: Finding) -> None:
        found[finding.clause.name] = finding
        tell(finding)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        together = [pool.submit(tried, run, each) for each in clauses if not each.alone]
        for future in as_completed(together):
            keep(future.result())
    for clause in clauses:
        if clause.alone:
            keep(tried(run, clause))
    return [found[clause.name] for clause in clauses]


def tried(run: Run, clause: Clause) -> Finding:
    """The finding of one clause."""
    trial, began = Trial(run), time.monotonic()
    result: Result = "pass"
    reason = ""
    try:
        clause.check(trial)
    except Failed as error:
        result, reason = "fail", str(error)
    except NotTried as error:
        result, reason = "not tried", str(error)
    trial.note_posts()
    return Finding(clause, result, reason, time.monotonic() - began, tuple(trial.evidence))
