"""Clauses about a request SID that comes again: each fails against an add-on that breaks it."""

from __future__ import annotations

import pytest

from addon.commands.conformance.clause import Finding
from addon.commands.conformance.repeat_clauses import CLAUSES
from tests.commands.conformance.trials import check_fails, findings_of_spoilt


@pytest.fixture(scope="module")
def spoilt() -> dict[str, Finding]:
    return findings_of_spoilt(CLAUSES)


@pytest.mark.parametrize("name", [clause.name for clause in CLAUSES])
def test_a_clause_that_is_broken_fails_and_says_how(spoilt: dict[str, Finding], name: str) -> None:
    check_fails(spoilt[name])
