"""docs/recovery.md, rehearsed: its programs as they stand, in a virtual environment of their own.

Installing needs pip with a way to its index; where there is none the test says so and is skipped.
"""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from importlib.metadata import version
from pathlib import Path

import pytest

from addon.archive.archive import Archive
from addon.archive.directory import DirectoryStore
from addon.archive.epochs import Epochs
from addon.archive.key_pairs import KeyPair
from addon.archive.keys import EncryptionKeys
from addon.archive.manifest import Signer
from tests.archive.recordings import RECORDING, TENANT, archived, noise

RECOVERY = (Path(__file__).parents[2] / "docs" / "recovery.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", RECOVERY, re.DOTALL)
CONTENT = noise(200_001)


@pytest.fixture
def lost_service(tmp_path: Path, pair: KeyPair, signer: Signer) -> Path:
    """What is left of a service that is gone: its store, and an offline key."""
    store = DirectoryStore(tmp_path / "archive")
    epoch = Epochs(store).begin(EncryptionKeys.of_public_keys([pair.public_pem]))
    archive = Archive(
        store, encryption_keys=EncryptionKeys.of_public_keys([epoch.public_pem]), signer=signer
    )
    archived(archive, CONTENT)
    (tmp_path / "offline.pem").write_text(pair.private_pem)
    (tmp_path / "verify.pem").write_text(signer.public_pem)
    recover, verify = PROGRAMS
    (tmp_path / "recover.py").write_text(recover)
    (tmp_path / "verify.py").write_text(verify)
    return tmp_path


def rehearse(python: Path | str, folder: Path) -> None:
    """The page, step by step."""

    def run(*arguments: str) -> str:
        command = [str(python), "-I", *arguments]
        answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    (epoch,) = (folder / "archive" / "keys").iterdir()
    audio = f"archive/recordings/{TENANT}/{RECORDING}/audio.esdk"
    manifest = f"archive/recordings/{TENANT}/{RECORDING}/manifest.json"
    assert epoch.stem in (folder / audio).read_bytes().decode("ascii", "replace")
    assert epoch.stem in run("recover.py", "offline.pem", str(epoch), "epoch.pem")
    said = run("recover.py", "epoch.pem", audio, "call.wav")
    assert TENANT in said
    assert RECORDING in said
    assert (folder / "call.wav").read_bytes() == CONTENT
    assert "is what was archived" in run("verify.py", "verify.pem", manifest, audio)


def test_the_programs_of_the_page_recover_a_recording(lost_service: Path) -> None:
    rehearse(sys.executable, lost_service)


def test_the_page_refuses_what_was_not_archived(lost_service: Path) -> None:
    audio = lost_service / f"archive/recordings/{TENANT}/{RECORDING}/audio.esdk"
    manifest = audio.with_name("manifest.json")
    for changed in (audio, manifest):
        content = changed.read_bytes()
        changed.write_bytes(content[:500] + bytes([content[500] ^ 1]) + content[501:])
        command = [sys.executable, "verify.py", "verify.pem", str(manifest), str(audio)]
        answer = subprocess.run(command, cwd=lost_service, capture_output=True, check=False)
        assert answer.returncode != 0
        changed.write_bytes(content)


def test_the_programs_know_nothing_of_this_project() -> None:
    assert len(PROGRAMS) == 2
    for program in PROGRAMS:
        assert not re.search(r"^\s*(from|import) (addon|workers)", program, re.MULTILINE)
    assert f"aws-encryption-sdk=={version('aws-encryption-sdk')}" in RECOVERY


@pytest.mark.slow
def test_a_clean_environment_recovers_a_recording(lost_service: Path) -> None:
    venv.create(lost_service / "venv", with_pip=True)
    python = lost_service / "venv" / "bin" / "python"
    (wanted,) = re.findall(r"pip install (\S+)`", RECOVERY)
    command = [str(python), "-m", "pip", "install", "--quiet", wanted]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        pytest.skip(f"pip cannot install here: {answer.stderr.strip()[-200:]}")
    rehearse(python, lost_service)
