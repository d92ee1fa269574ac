"""`flask archive hold`: placed, listed and lifted by a command; what it does is in test_holds."""

from __future__ import annotations

from click.testing import CliRunner

from addon.archive.archive import Archive
from addon.commands.archive import archive_cli
from addon.commands.group import operator
from tests.archive.recordings import RECORDING, TENANT
from tests.commands.test_archive_erase import archive, settings

__all__ = ["archive", "settings"]


def run(*arguments: str):
    return CliRunner().invoke(archive_cli, arguments)


def test_a_hold_is_placed_listed_and_lifted(archive: Archive):
    assert run("hold", "place", RECORDING).exit_code == 2
    assert run("hold", "place", RECORDING, "--reason", "case 7").exit_code == 0
    (line,) = run("hold", "list").stdout.splitlines()
    assert line.split("\t")[:2] == [TENANT, RECORDING]
    assert line.split("\t")[3:] == [operator(), "case 7"]
    erased = run("erase", RECORDING, "--reason", "asked", "--yes")
    assert erased.exit_code == 1
    assert "case 7" in erased.output
    assert run("hold", "lift", RECORDING, "--reason", "over").exit_code == 0
    assert run("hold", "list").stdout == ""
    assert run("hold", "lift", RECORDING, "--reason", "over").exit_code == 1
    assert run("erase", RECORDING, "--reason", "asked", "--yes").exit_code == 0


def test_what_is_not_there_cannot_be_held(archive: Archive):
    held = run("hold", "place", "RE0", "--reason", "x")
    assert held.exit_code == 1
    assert "RE0" in held.output
