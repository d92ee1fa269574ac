"""docs/spec/interfaces.md names every route, every command and every key of the result."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
from flask import Flask

from addon.commands import COMMANDS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "spec" / "interfaces.md").read_text(encoding="utf-8")


def section(number: int) -> str:
    """What stands under a heading of the second level."""
    return PAGE.partition(f"\n## {number}. ")[2].partition("\n## ")[0]


def routes() -> Iterator[tuple[str, str]]:
    """Method and address of every row; an address without methods has those before it."""
    for line in section(4).splitlines():
        methods: list[str] = []
        if not line.startswith("| route"):
            for words, address in re.findall(r"([A-Z, ]*)`(/[^`]*)`", line.split(" | ")[0]):
                methods = re.findall("[A-Z]+", words) or methods
                yield from ((method, re.sub(r"<\w+>", "<>", address)) for method in methods)


def test_every_route_is_named_and_no_other(app: Flask):
    answered = {
        (method, re.sub(r"<(?:\w+:)?\w+>", "<>", rule.rule).rstrip("/") or "/")
        for rule in app.url_map.iter_rules()
        if not rule.rule.startswith("/static/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    named = {(method, address) for method, address in routes() if method not in ("HEAD", "OPTIONS")}
    assert named == answered


def test_every_command_is_named(app: Flask):
    """`demo` is what `make run` calls."""
    text = section(2)
    named = {name for name in COMMANDS if re.search(rf"`flask {name}\b", text)}
    assert set(COMMANDS) - named == {"demo"}
    for name in named:
        context = click.Context(app.cli)
        command = app.cli.get_command(context, name)
        row = next(line for line in text.splitlines() if f"| `flask {name}" in line)
        for below in command.list_commands(context) if isinstance(command, click.Group) else ():
            assert f"`{below}`" in row, f"flask {name} {below}"


def test_every_key_of_the_result_is_named():
    schema = json.loads((ROOT / "docs" / "result.schema.json").read_text(encoding="utf-8"))
    keys = set(schema["$defs"]["result"]["properties"])
    named = {
        name
        for line in section(5).splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split(" | ")[0])
    }
    assert {key for key in keys - named if not key.endswith("_reason")} == set()
    assert named <= keys
