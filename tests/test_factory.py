"""The application as it is put together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
from click.testing import CliRunner
from flask import Flask
from flask.cli import FlaskGroup

from addon.factory import create_app
from addon.settings import Settings
from tests.stack.running import ROOT


def test_an_application_has_its_routes_and_commands(settings: Settings, redis_server) -> None:
    app = create_app(settings)
    assert app.test_client().get("/healthz").status_code == 200
    assert "serve" in app.cli.list_commands(click.Context(app.cli))


def test_a_command_of_ours_is_found_without_the_web(settings: Settings) -> None:
    made: list[Flask] = []

    def create() -> Flask:
        made.append(create_app(settings))
        return made[-1]

    def run(*words: str) -> str:
        return CliRunner().invoke(FlaskGroup(create_app=create), words).output

    assert "keys [OPTIONS]" in run("keys", "--help")
    assert "keys" in run("--help")
    assert [list(app.url_map.iter_rules()) for app in made] == [[], []]
    assert "/healthz" in run("routes")


def test_a_wrong_setting_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from addon.factory import create_app; create_app()"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DATA_DIR": str(tmp_path), "REDACT_DTMF": "perhaps"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("REDACT_DTMF must be on, off or required")
    assert "Traceback" not in done.stderr
