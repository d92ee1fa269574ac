"""The lines to paste of docs/deploy: shell that parses, commands, services and users that exist."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest
import yaml  # type: ignore[import-untyped]
from flask import Flask

from tests.deploy.test_systemd import WHOLE, service
from tests.stack.running import ROOT
from tests.test_documented_commands import command_of, flask_commands

PAGE = (ROOT / "docs" / "deploy" / "README.md").read_text()
LINES = PAGE.partition("\n## Lines to paste\n")[2]
BLOCKS = {
    part.partition("\n")[0]: part.partition("```sh\n")[2].partition("\n```")[0]
    for part in LINES.split("\n### ")[1:]
}
TASKS = ("Run any command", "Upgrade", "Roll back", "Back up", "Restore", "Rotate")


@pytest.mark.parametrize("way", BLOCKS)
def test_every_way_has_every_task_in_shell_that_parses(way: str) -> None:
    assert set(BLOCKS) == {"systemd", "Compose", "Heroku"}
    for task in TASKS:
        assert re.search(rf"^# {task}\b", BLOCKS[way], re.M), task
    subprocess.run(["sh", "-n"], input=BLOCKS[way], text=True, check=True)


@pytest.mark.parametrize("way", BLOCKS)
def test_every_command_exists(app: Flask, way: str) -> None:
    text = re.sub(r"^addon ", "flask ", BLOCKS[way], flags=re.M)
    found = [words for words in flask_commands(text) if not words[0].startswith('"')]
    assert len(found) >= 5
    for words in found:
        command_of(app, words)


def test_a_command_under_systemd_has_the_user_and_the_settings_of_the_unit() -> None:
    unit = service(WHOLE)
    words = shlex.split(BLOCKS["systemd"].partition("addon() {\n")[2].partition("}")[0])
    assert f"--uid={unit['User'][0]}" in words
    assert f"--working-directory={unit['WorkingDirectory'][0]}" in words
    assert f"--property=EnvironmentFile={unit['EnvironmentFile'][0]}" in words
    assert f"--setenv={unit['Environment'][0]}" in words


def test_compose_runs_in_services_that_exist() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    used = re.findall(r"docker compose run (?:--\S+ )*(\w+)", BLOCKS["Compose"])
    assert used
    assert set(used) <= set(services)


def test_a_backup_takes_what_the_drill_takes() -> None:
    drill = (ROOT / "docs" / "drills" / "restore.sh").read_text()
    order = re.compile(r"keys \$\((?:cd \S+ && )?(ls -d [^)]+)\) archive")
    (of_drill,) = order.findall(drill)
    for way in ("systemd", "Compose"):
        assert order.findall(BLOCKS[way]) == [of_drill]
