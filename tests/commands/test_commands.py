"""The table of commands: each is found, and none is imported before it is called for."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from flask.cli import FlaskGroup

from addon.commands import COMMANDS, Commands
from addon.factory import create_app
from addon.settings import Settings
from tests.stack.running import ROOT


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_goes_by_its_name_in_the_table(name: str) -> None:
    command = Commands().get_command(click.Context(click.Command("x")), name)
    assert command is not None
    assert command.name == name
    assert command.help


def test_all_are_listed_and_another_is_none() -> None:
    context = click.Context(click.Command("x"))
    assert Commands().list_commands(context) == sorted(COMMANDS)
    assert Commands().get_command(context, "nonsense") is None


def test_the_help_lists_the_products_commands_alone(settings: Settings) -> None:
    group = FlaskGroup(create_app=lambda: create_app(settings))
    result = CliRunner().invoke(group, ["--help"])
    listed = re.findall(r"^  ([a-z-]+)  ", result.output.partition("Commands:")[2], re.MULTILINE)
    assert listed == sorted(COMMANDS)
    assert CliRunner().invoke(group, ["run", "--help"]).exit_code == 0


def test_the_application_imports_none_of_them() -> None:
    code = "import addon.factory, sys; print([m for m in sys.modules if 'addon.commands.' in m])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
