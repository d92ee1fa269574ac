"""The JavaScript SDK, which is code of other people: what it seals opens here, and the reverse.

Needs node, and npm with a way to its registry; the lock file pins every package by its hash. Where
either is missing the tests say so and are skipped.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from addon.archive import message
from addon.archive.key_pairs import KeyPair
from addon.archive.keys import DecryptionKeys, EncryptionKeys
from addon.archive.layout import FRAME_LENGTH
from addon.archive.reader import RangeReader, open_with
from tests.archive.recordings import fetch_from, noise

HERE = Path(__file__).parent / "node"
RECOVERY = Path(__file__).parents[2] / "docs" / "recovery.md"
CONTEXT = {"tenant": "XD1", "recording": "RE1", "object": "audio"}
F = FRAME_LENGTH
LENGTHS = [0, 1, F - 1, F, F + 1, 2 * F, 200_001]

pytestmark = [pytest.mark.node, pytest.mark.slow]


@pytest.fixture(scope="module")
def project(pytestconfig: pytest.Config) -> Path:
    """A folder with the SDK installed, kept between runs as long as the lock file is the same."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed: the JavaScript SDK is not checked")
    folder = Path(pytestconfig.cache.mkdir("javascript-sdk"))  # type: ignore[union-attr]
    lock = (HERE / "package-lock.json").read_text()
    done = folder / "installed.lock"
    if not done.exists() or done.read_text() != lock:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if answer.returncode:
            pytest.skip(f"npm cannot install the JavaScript SDK here: {answer.stderr[-200:]}")
        done.write_text(lock)
    shutil.copy(HERE / "seal.mjs", folder)
    (program,) = re.findall(r"```javascript\n(.*?)```", RECOVERY.read_text(), re.DOTALL)
    (folder / "recover.mjs").write_text(program)
    return folder


def node(project: Path, *arguments: str | Path) -> str:
    command = ["node", *map(str, arguments)]
    answer = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_what_javascript_seals_opens_here(
    project: Path, tmp_path: Path, pair: KeyPair, decryption_keys: DecryptionKeys
) -> None:
    public, folder = tmp_path / "public.pem", tmp_path / "sealed"
    public.write_text(pair.public_pem)
    folder.mkdir()
    for length in LENGTHS:
        (folder / str(length)).write_bytes(noise(length))
    node(project, "seal.mjs", public, folder, json.dumps(CONTEXT))
    for length in LENGTHS:
        sealed = (folder / f"{length}.esdk").read_bytes()
        assert b"".join(message.decrypt([sealed], decryption_keys, CONTEXT)) == noise(length)
        reader = RangeReader.open(
            fetch_from(sealed), len(sealed), open_with(decryption_keys, CONTEXT)
        )
        assert reader.length == length
        assert b"".join(reader.read()) == noise(length)
        assert b"".join(reader.read(F - 5, F + 5)) == noise(length)[F - 5 : F + 5]


@pytest.mark.parametrize("length", LENGTHS)
def test_what_is_sealed_here_opens_in_javascript(
    length: int, project: Path, tmp_path: Path, pair: KeyPair, encryption_keys: EncryptionKeys
) -> None:
    """By the very program of docs/recovery.md."""
    key, sealed, out = (tmp_path / name for name in ("key.pem", "audio.esdk", "call.wav"))
    key.write_text(pair.private_pem)
    both = encryption_keys + EncryptionKeys.local(bytes(32))
    sealed.write_bytes(b"".join(message.encrypt([noise(length)], both, CONTEXT)))
    said = node(project, "recover.mjs", key, sealed, out)
    assert out.read_bytes() == noise(length)
    assert all(value in said for value in CONTEXT.values())


def test_javascript_refuses_a_cut(
    project: Path, tmp_path: Path, pair: KeyPair, encryption_keys: EncryptionKeys
) -> None:
    key, sealed = tmp_path / "key.pem", tmp_path / "audio.esdk"
    key.write_text(pair.private_pem)
    sealed.write_bytes(b"".join(message.encrypt([noise(F)], encryption_keys, CONTEXT))[:-1])
    with pytest.raises(AssertionError):
        node(project, "recover.mjs", key, sealed, tmp_path / "out")
