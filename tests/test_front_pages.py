"""README, CHANGELOG, NOTICE and the templates of issues: short, dated, complete."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def requirements() -> set[str]:
    """Every package that is asked for by name, except what only tests and tools need."""
    named = set()
    for path in ROOT.glob("requirements/*.in"):
        if path.stem != "dev":
            found = re.findall(r"^([A-Za-z][A-Za-z0-9-]*)", path.read_text(encoding="utf-8"), re.M)
            named |= set(found)
    return named


def test_the_readme_fits_on_a_screen():
    lines = text("README.md").splitlines()
    assert len(lines) <= 60


def test_every_version_has_its_date_and_the_newest_comes_first():
    versions = re.findall(r"^## (\d+\.\d+\.\d+), (\d{4}-\d\d-\d\d)$", text("CHANGELOG.md"), re.M)
    headings = re.findall(r"^## (.+)$", text("CHANGELOG.md"), re.M)
    assert len(headings) - len(versions) in (0, 1), "one heading may be Unreleased"
    dates = [date.fromisoformat(day) for _, day in versions]
    assert dates == sorted(dates, reverse=True)
    assert versions[0][0] == tomllib.loads(text("pyproject.toml"))["project"]["version"]


@pytest.mark.parametrize("package", sorted(requirements()))
def test_every_package_that_is_asked_for_is_in_the_notice(package):
    assert re.search(rf"(?<![\w-]){re.escape(package)}(?![\w-])", text("NOTICE")), package


def test_every_vendored_folder_is_in_the_notice_with_its_version():
    page = text("addon/web/static/vendor/README.md")
    for folder, version in re.findall(r"^\| `(\w+)/` \|.*\| (\d+\.\d+\.\d+) \|", page, re.M):
        assert f"vendor/{folder}/" in text("NOTICE")
        assert version in text("NOTICE")


@pytest.mark.parametrize("path", sorted(ROOT.glob(".github/ISSUE_TEMPLATE/*.md")), ids=str)
def test_a_template_of_an_issue_has_a_name_and_says_what_it_is_for(path):
    front = path.read_text(encoding="utf-8").split("---\n")[1]
    assert re.search(r"^name: \S", front, re.M)
    assert re.search(r"^about: \S", front, re.M)
