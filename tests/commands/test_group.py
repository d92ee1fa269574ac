from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from addon.commands.group import Group
from addon.errors import KeyMissing


@click.group(cls=Group)
def tools() -> None:
    """For tests."""


@tools.command()
@click.argument("kind")
def fail(kind: str) -> None:
    """Fail in one way or another."""
    raise KeyMissing("no key at hand") if kind == "ours" else ZeroDivisionError


def test_an_error_of_ours_is_a_sentence_and_a_remedy() -> None:
    result = CliRunner().invoke(tools, ["fail", "ours"])
    assert result.exit_code == 1
    assert result.output == f"Error: no key at hand. {KeyMissing.remedy}\n"


def test_any_other_error_is_a_bug_and_shows_itself() -> None:
    with pytest.raises(ZeroDivisionError):
        CliRunner().invoke(tools, ["fail", "other"], catch_exceptions=False)
