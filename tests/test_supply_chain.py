"""The supply chain's commands, and the licences of what is locked against NOTICE."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests import supply_chain
from tests.supply_chain import NOT_ASKED, SERVICE_LOCKS, VULNERABLE, licences, locked, summary

NOTICE = (supply_chain.ROOT / "NOTICE").read_text(encoding="utf-8")
FOUND = list(licences(*SERVICE_LOCKS))

FAMILIES = {
    "MIT": r"\bMIT\b",
    "BSD": r"\bBSD\b|\b0BSD\b",
    "Apache": r"\bApache\b",
    "PSF": r"\bPSF\b|Python Software Foundation",
    "MPL": r"\bMPL\b|Mozilla Public",
    "LGPL": r"\bLGPL\b|Lesser General",
    "GPL": r"(?<!L)\bGPL\b|(?<!Lesser )General Public",
    "ISC": r"\bISC\b",
}
PERMISSIVE = {"MIT", "BSD", "Apache", "PSF", "ISC"}


def families(text: str) -> set[str]:
    return {name for name, pattern in FAMILIES.items() if re.search(pattern, text, re.IGNORECASE)}


def notice() -> dict[str, set[str]]:
    """The licence families that NOTICE gives to each package it names."""
    found: dict[str, set[str]] = {}
    for line in re.findall(r"(?m)^   (\S.*)$", NOTICE.partition("2. Installed")[2]):
        names, _, rest = line.partition("  ")
        for name in re.findall(r"[a-z][\w-]+", names.lower()):
            found[name] = families(rest)
    return found


@pytest.mark.parametrize("each", FOUND, ids=lambda each: each.package)
def test_a_locked_package_is_permissive_or_named_in_the_notice(each: Any) -> None:
    stated = families(each.text)
    assert stated, f"{each.package} states no licence that is known here: {each.text!r}"
    if not stated & PERMISSIVE or "LGPL" in stated or "MPL" in stated:
        assert stated <= notice().get(each.package, set())


@pytest.mark.parametrize("each", FOUND, ids=lambda each: each.package)
def test_the_notice_gives_each_package_the_licence_that_it_states(each: Any) -> None:
    given = notice().get(each.package)
    if given is not None:
        assert given & families(each.text)


def test_most_of_the_lock_is_looked_at() -> None:
    """Some of it is for other versions of Python."""
    assert len(FOUND) > 0.9 * len(locked(*SERVICE_LOCKS))
    assert len(set(notice()) & {each.package for each in FOUND}) > 15


VULNERABLE_ONE = {
    "name": "flask",
    "version": "0.1",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["0.2"], "aliases": []}],
}
CLEAN = {"name": "rq", "version": "3.0", "vulns": []}
SKIPPED = {"name": "av", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ([CLEAN], 0),
        ([CLEAN, VULNERABLE_ONE], VULNERABLE),
        ([CLEAN, SKIPPED], NOT_ASKED),
        ([VULNERABLE_ONE, SKIPPED], VULNERABLE),
        ([], NOT_ASKED),
    ],
)
def test_a_package_that_was_not_asked_for_is_not_clean(found: list[Any], code: int) -> None:
    got, lines = summary({"dependencies": found})
    assert got == code
    assert len([line for line in lines if line.startswith("not asked for")]) == found.count(SKIPPED)
    assert ("flask 0.1: PYSEC-1, mended in 0.2" in lines) == (VULNERABLE_ONE in found)


def test_an_audit_without_an_answer_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(supply_chain, "tool", lambda name: "false")
    assert supply_chain.main(["audit"]) == NOT_ASKED
    assert "could not ask" in capsys.readouterr().out


def test_the_tools_are_locked_and_what_make_says() -> None:
    tools = locked("requirements/supply-chain.txt")
    assert {"pip-audit", "cyclonedx-bom"} <= tools.keys()
    makefile = (supply_chain.ROOT / "Makefile").read_text(encoding="utf-8")
    for command in ("audit", "licences", "sbom"):
        assert f"tests.supply_chain {command}" in makefile
        assert f"make {command}" in (supply_chain.ROOT / ".ci" / "run").read_text()
