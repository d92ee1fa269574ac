"""The table of checks: the manual has all of it, and an error in one check stops no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis.exceptions import AuthenticationError

from addon.checks.finding import Check, warning, wrong
from addon.checks.table import CHECKS, gravest, run
from addon.errors import KeyMissing, StoreUnavailable

MANUAL = (Path(__file__).parents[2] / "docs/operations.md").read_text(encoding="utf-8")


def test_the_manual_says_what_is_tested() -> None:
    section = MANUAL.partition("\n## What `flask check` tests\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    assert rows[1:] == [f"| {each.subject} | {each.tests} |" for each in CHECKS]


def test_no_two_checks_have_one_subject() -> None:
    assert len({each.subject for each in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize(
    ("error", "sentence", "remedy"),
    [
        (AuthenticationError("x"), "Redis refuses the password of REDIS_URL", "REDIS_URL"),
        (StoreUnavailable("the bucket is away"), "the bucket is away", "ARCHIVE_URL"),
        (KeyMissing("no key"), "no key", "ARCHIVE_PRIVATE_KEYS"),
        (ZeroDivisionError(), "the check itself failed (ZeroDivisionError)", "bug"),
    ],
)
def test_an_error_is_a_finding_and_the_others_go_on(settings, error, sentence, remedy) -> None:
    def fails(_settings):
        raise error

    table = [Check("first", "", fails), Check("second", "", lambda _: [warning("w")])]
    first, second = run(settings, table)
    assert first.level == "wrong"
    assert first.findings[0].sentence.startswith(sentence)
    assert remedy in first.findings[0].remedy
    assert second.level == "warning"


def test_the_gravest_level_counts() -> None:
    assert gravest([]) == "fine"
    assert gravest(["warning", "fine"]) == "warning"
    assert gravest([warning("w").level, wrong("x").level]) == "wrong"
