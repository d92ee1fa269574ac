"""ARCHITECTURE.md says what the code has: imports, keys of the store and of Redis, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import import_diagram, stored_keys

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")

PATH = re.compile(
    r"`((?:addon|workers|tests|docs|benchmarks|bin|requirements)/[A-Za-z0-9_./*-]+)(?:::\w+)?`"
)


def section(heading: str) -> str:
    """What stands under a heading of the second level."""
    _, found, rest = PAGE.partition(f"\n## {heading}\n")
    assert found, heading
    return rest.partition("\n## ")[0]


def first_column(heading: str) -> Iterator[str]:
    """Every name in the first column of the section's table."""
    for line in section(heading).splitlines():
        if line.startswith("| `"):
            yield from re.findall(r"`([^`]+)`", line.split(" | ")[0])


def prose() -> Iterator[Path]:
    """Pages that name files; what changed once may name files that are gone."""
    yield from (page for page in ROOT.glob("*.md") if page.name != "CHANGELOG.md")
    yield from ROOT.glob("docs/**/*.md")


def test_the_diagram_of_imports_is_the_codes_own():
    """`python -m tests.import_diagram` draws it again."""
    assert import_diagram.written(PAGE) == PAGE


def test_the_diagram_leaves_out_what_other_imports_imply():
    assert import_diagram.reduced({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {
        "a": {"b"},
        "b": {"c"},
        "c": set(),
    }


def test_every_package_and_every_module_beside_them_has_its_place():
    packages = {f"addon/{path.parent.name}/" for path in ROOT.glob("addon/*/__init__.py")}
    modules = {f"addon/{path.name}" for path in ROOT.glob("addon/*.py")} - {"addon/__init__.py"}
    assert packages | modules | {"workers/", "app.py"} <= set(first_column("The parts"))


def test_every_prefix_of_the_store_is_described_and_no_other():
    described = {key.partition("<")[0] for key in first_column("In the store") if "/" in key}
    found = stored_keys.store_prefixes()
    assert {key for key in found if not key.startswith(tuple(described))} == set()
    assert {key for key in described if not key.startswith(tuple(found))} == set()


def test_every_key_in_redis_is_described_and_no_other():
    described = {re.split("[<…]", key)[0].rstrip(":") for key in first_column("In Redis")}
    assert described == stored_keys.redis_keys()


def test_the_glossary_is_short_and_in_order():
    words = [
        line.split(" | ")[0].removeprefix("| ")
        for line in section("Glossary").splitlines()
        if line.startswith("| ") and not line.startswith("| word")
    ]
    assert len(words) <= 40
    assert words == sorted(words, key=str.lower)


@pytest.mark.parametrize("page", list(prose()), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_is_there(page):
    named = PATH.findall(page.read_text(encoding="utf-8"))
    assert [name for name in named if not list(ROOT.glob(name.rstrip("/.")))] == []


@pytest.mark.parametrize("page", list(prose()), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), target
        if anchor:
            assert anchor in set(anchors(file)), target


def anchors(page: Path) -> Iterator[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    for heading in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
