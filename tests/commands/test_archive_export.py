"""`flask archive export`: one zip file of what is held of a person."""

from __future__ import annotations

import zipfile
from pathlib import Path

from click.testing import CliRunner

from addon.archive.archive import Archive
from addon.commands.archive import archive_cli
from addon.settings import Settings
from tests.archive.recordings import RECORDING, TENANT
from tests.commands.test_archive_erase import ADA, archive, settings

__all__ = ["archive", "settings"]


def export(*arguments: str):
    return CliRunner().invoke(archive_cli, ["export", *arguments])


def test_a_person_gets_all_that_is_held_of_them(archive: Archive, tmp_path: Path):
    output = tmp_path / "ada.zip"
    done = export("--number", ADA["from"], "-o", str(output))
    assert done.exit_code == 0, done.output
    assert output.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(output) as file:
        assert file.read(f"{TENANT}/{RECORDING}/audio.wav") == b"audio"
        assert len([name for name in file.namelist() if name.endswith("manifest.json")]) == 2


def test_one_that_cannot_be_read_is_named_and_ends_it_with_1(archive: Archive, tmp_path: Path):
    archive.store.delete(f"recordings/{TENANT}/{RECORDING}/audio.esdk")
    done = export("--install", TENANT, "-o", str(tmp_path / "x.zip"))
    assert done.exit_code == 1
    assert f"bad\t{TENANT}/{RECORDING}\t" in done.stderr
    assert "1 recordings whole, 1 bad" in done.stderr


def test_without_a_key_that_opens_there_is_no_file(
    archive: Archive, settings: Settings, tmp_path: Path, monkeypatch
):
    blind = settings.replace(archive_private_keys=())
    monkeypatch.setattr(Settings, "load", classmethod(lambda _: blind))
    done = export(RECORDING, "--tenant", TENANT, "-o", str(tmp_path / "x.zip"))
    assert done.exit_code == 1
    assert "ARCHIVE_PRIVATE_KEYS" in done.output
    assert not (tmp_path / "x.zip").exists()
