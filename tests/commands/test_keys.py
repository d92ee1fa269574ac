"""`flask keys`: for deployments that do not start through `flask serve`."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from addon.commands.keys import keys
from addon.setting_roles import kept_files
from addon.settings import Settings


@pytest.fixture
def runner(tmp_path: Path) -> CliRunner:
    return CliRunner(env={"DATA_DIR": str(tmp_path), **dict.fromkeys(kept_files(), "")})


def test_it_makes_them_once_and_prints_no_secret_unasked(runner: CliRunner) -> None:
    first, second = runner.invoke(keys), runner.invoke(keys)
    assert first.exit_code == second.exit_code == 0
    assert first.stdout == second.stdout == ""
    assert all(name in first.stderr for name in kept_files().values())
    assert "made nothing new" in second.stderr


def test_what_it_prints_gives_the_same_settings_elsewhere(
    runner: CliRunner, tmp_path: Path
) -> None:
    printed = runner.invoke(keys, ["--as-env"]).stdout
    env = dict(re.findall(r'^(\w+)="?(.*?)"?$', printed, re.MULTILINE))
    assert set(env) == set(kept_files())
    here = Settings.load({"DATA_DIR": str(tmp_path)})
    there = Settings.load({"DATA_DIR": str(tmp_path / "elsewhere"), **env})
    for variable in kept_files():
        assert getattr(here, variable.lower()) == getattr(there, variable.lower())


def test_a_folder_that_cannot_be_written_is_one_sentence(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "keys").symlink_to(tmp_path / "nowhere" / "at" / "all")
    found = runner.invoke(keys, env={"DATA_DIR": str(tmp_path / "data")})
    assert found.exit_code == 1
    assert found.stderr.startswith("Error: DATA_DIR: the folder ")


def test_a_copy_for_workers_has_what_they_need_and_opens_nothing(
    runner: CliRunner, tmp_path: Path
) -> None:
    copy = tmp_path / "worker" / "keys"
    for _ in range(2):
        assert runner.invoke(keys, ["--worker-copy", str(copy)]).exit_code == 0
    held = {path.name for path in copy.iterdir()}
    assert held == set(kept_files().values()) - {"archive_private_key.pem", "playback_secret"}
    assert {path.stat().st_mode & 0o777 for path in copy.iterdir()} == {0o600}
    here = Settings.load({"DATA_DIR": str(tmp_path)}, role="worker")
    there = Settings.load({"DATA_DIR": str(copy.parent)}, role="worker")
    for variable in kept_files():
        assert getattr(here, variable.lower()) == getattr(there, variable.lower())
