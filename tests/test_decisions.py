"""Every page of docs/decisions has the same form, and the index lists all of them."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date

import pytest

from tests import decision_index
from tests.decision_index import Decision, decisions

PAGES = list(decisions())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_says_what_why_and_what_else(page: Decision):
    missing = [each for each in ("What", "Why", "What else") if not page.has(each)]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_a_title_a_date_and_a_status(page: Decision):
    assert page.text.startswith("# ")
    assert page.title
    assert date.fromisoformat(page.date) >= date(2026, 11, 1)
    assert page.status.startswith(decision_index.STATUSES)


def test_a_page_that_is_superseded_names_the_one_that_counts():
    numbers = {page.number for page in PAGES}
    for page in PAGES:
        if page.status.startswith("superseded"):
            assert set(re.findall(r"\d{4}", page.status)) & numbers, page.name


def test_numbers_are_unique_and_names_are_plain():
    assert [n for n, count in Counter(page.number for page in PAGES).items() if count > 1] == []
    assert [p.name for p in PAGES if not re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", p.name)] == []


def test_the_index_is_up_to_date():
    """`python -m tests.decision_index` writes it."""
    assert decision_index.INDEX.read_text(encoding="utf-8") == decision_index.index()


@pytest.mark.parametrize(
    ("text", "paragraph", "found"),
    [
        ("# T\n\n**What.** It.", "What", True),
        ("# T\n\n## What else\n\nNothing.", "What else", True),
        ("# T\n\nWhat it is.", "What", False),
        ("# T\n\n**Whatever.** It.", "What", False),
        ("# T\n\n**What.** It.", "What else", False),
    ],
)
def test_a_paragraph_counts_only_where_it_begins_with_its_word(text, paragraph, found):
    assert Decision("0001-a.md", "T", "", "", text).has(paragraph) is found
