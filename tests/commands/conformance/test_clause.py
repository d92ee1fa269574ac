"""The table of clauses: named once, each with its demand and a paragraph."""

from __future__ import annotations

import re

from addon.commands.conformance.clause import Clause
from addon.commands.conformance.suite import CLAUSES


def test_names_are_words_and_no_clause_has_another_s() -> None:
    names = [clause.name for clause in CLAUSES]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in names)


def test_every_clause_cites_a_paragraph() -> None:
    """tests/test_citations.py looks whether it is there."""

    def is_whole(clause: Clause) -> bool:
        return bool(re.fullmatch(r"spec/[a-z]+ [\d.]+", clause.cites)) and len(clause.demand) > 20

    assert [clause.name for clause in CLAUSES if not is_whole(clause)] == []
