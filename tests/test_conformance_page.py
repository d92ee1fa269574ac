"""docs/conformance.md has every clause, and this service passes it."""

from __future__ import annotations

from addon.commands.conformance.clause import Finding
from addon.commands.conformance.suite import CLAUSES
from tests.conformance_page import PAGE, page


def test_the_page_has_every_clause_and_this_service_passes_each() -> None:
    passed = [Finding(clause, "pass", "", 0.0, ()) for clause in CLAUSES]
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text, passed)
