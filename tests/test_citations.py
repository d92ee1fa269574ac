"""Every `spec/<page> <section>` in code and documents names a section of that page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SPEC = ROOT / "docs" / "spec"
PAGES = ("protocol", "ciphertext", "runtime", "audio", "interfaces")

HEADING = re.compile(r"^#{2,3} (\d+(?:\.\d+)?)\.? \S", re.M)
SECTION = r"\d+(?:\.\d+)?"
CITATION = re.compile(rf"spec/([a-z]+) ({SECTION}(?:(?:, | and | to ){SECTION})*)")
UNRESOLVED = re.compile(
    rf"(?<![\w/])(?:{'|'.join([*PAGES, 'contract'])}) \d+(?:\.\d+)?(?: Q\d+)?[).,;:]|\bQ\d\d?\b"
)
"""A citation without its page, or of the numbered questions that the protocol once ended with."""


def files() -> Iterator[Path]:
    """Code and prose; not the pages of the specification themselves."""
    for pattern in ("addon/**/*.py", "workers/*.py", "tests/**/*.py", "benchmarks/*.py"):
        yield from ROOT.glob(pattern)
    yield from ROOT.glob("*.md")
    yield from (page for page in ROOT.glob("docs/**/*.md") if page.parent != SPEC)


def sections(page: str) -> list[str]:
    return HEADING.findall((SPEC / f"{page}.md").read_text(encoding="utf-8"))


def citations(text: str) -> Iterator[tuple[str, str]]:
    """Page and section; a citation may go on in the next line of a docstring."""
    for page, numbers in CITATION.findall(re.sub(r"\s+(?:#:? )?", " ", text)):
        yield from ((page, number) for number in re.findall(SECTION, numbers))


def test_every_citation_names_a_section_that_exists():
    known = {page: set(sections(page)) for page in PAGES}
    missing = {
        f"{path.relative_to(ROOT)}: spec/{page} {number}"
        for path in files()
        if path != Path(__file__)
        for page, number in citations(path.read_text(encoding="utf-8"))
        if number not in known.get(page, set())
    }
    assert missing == set()


def test_every_citation_says_which_page():
    """The one form is `spec/protocol 1.8`: a bare number, or a question's, leads nowhere."""
    found = {
        f"{path.relative_to(ROOT)}: {match}"
        for path in files()
        if path != Path(__file__)
        for match in UNRESOLVED.findall(path.read_text(encoding="utf-8"))
    }
    assert found == set()


@pytest.mark.parametrize("page", PAGES)
def test_a_section_has_one_heading(page):
    numbers = sections(page)
    assert numbers
    assert len(set(numbers)) == len(numbers)


def test_the_specification_says_nothing_of_places_outside_the_project():
    words = re.compile(r"\bseed\b|\bprototype\b|/work\b|\bmeasuring machine\b", re.I)
    found = {
        page.name: words.findall(page.read_text(encoding="utf-8")) for page in SPEC.glob("*.md")
    }
    assert {name: matches for name, matches in found.items() if matches} == {}


def test_every_signature_of_the_specification_is_a_tested_vector():
    page = (SPEC / "protocol.md").read_text(encoding="utf-8")
    tables = page.partition("### 3.4")[2].partition("\n## 4.")[0]
    signatures = set(re.findall(r"(?<![\w+/])[\w+/]{27}=|(?<![\w+/])[\w+/]{43}=", tables))
    tested = (ROOT / "tests" / "vectors" / "twilio_signatures.json").read_text(encoding="utf-8")
    assert len(signatures) > 30
    assert {each for each in signatures if each not in tested} == set()


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("(spec/protocol 1.8)", [("protocol", "1.8")]),
        ("spec/protocol 4.3, 5.3 and 6.1", [("protocol", n) for n in ("4.3", "5.3", "6.1")]),
        ("as told in\n    spec/audio 2.", [("audio", "2")]),
        ("# spec/protocol\n# 4.1", [("protocol", "4.1")]),
    ],
)
def test_a_citation_is_found_in_every_spelling(text, cited):
    assert list(citations(text)) == cited
