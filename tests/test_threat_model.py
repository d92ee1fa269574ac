"""The threat model names its tests: each is there, and none is skipped."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## Threat model\n")[2].partition("\n## ")[0]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TABLE.splitlines()
    if line.startswith("| ") and not line.startswith("| who |")
]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
NEVER_RUN = {"skip", "xfail"}
"""Marks that leave a test out everywhere; `skipif` says what a machine lacks."""


@cache
def named_tests(path: str) -> dict[str, ast.FunctionDef]:
    """The test functions of a file by name, those of its classes too."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {
        node.name: node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def marks(decorators: list[ast.expr]) -> set[str]:
    """The names of pytest's marks among decorators."""
    texts = [ast.unparse(each) for each in decorators]
    return {name for text in texts for name in re.findall(r"pytest\.mark\.(\w+)", text)}


def test_the_table_is_read_whole() -> None:
    assert len(ROWS) > 20
    for who in ("Redis", "user of the machine", "hostile audio", "same address", "callback"):
        assert any(who in row[0] for row in ROWS), who


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]:.40}, {row[1]:.30}")
def test_a_row_names_tests_and_nothing_else(row: list[str]) -> None:
    assert len(row) == 4
    assert NAMED.sub("", row[3]).strip(" ,") == ""
    assert NAMED.findall(row[3])


@pytest.mark.parametrize(("path", "name"), sorted(set(NAMED.findall(TABLE))), ids=str)
def test_a_named_test_is_there_and_not_skipped(path: str, name: str) -> None:
    assert name in named_tests(path)
    node = named_tests(path)[name]
    assert not marks(node.decorator_list) & NEVER_RUN
    assert "pytest.skip(" not in ast.unparse(node)
    for line in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "pytestmark":
            assert not marks([line.value]) & NEVER_RUN
