"""The systemd units: as hardened as they say, and the service works under their rules."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from addon.setting_roles import variables_of, withheld_from
from tests.deploy import confined
from tests.stack.running import PATIENCE_S, ROOT, free_port, python

UNITS = sorted((ROOT / "docs" / "deploy").glob("*.service"))
WHOLE = ROOT / "docs" / "deploy" / "recording-addon.service"
ROLES = {"web": "recording-addon-web.service", "worker": "recording-addon-worker.service"}

analysed = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed"
)
confinable = pytest.mark.skipif(
    not confined.is_possible(), reason="systemd-analyze or libseccomp is not installed"
)


def service(unit: Path) -> dict[str, list[str]]:
    """The directives of a unit's service section; many may come more than once."""
    found: dict[str, list[str]] = {}
    section = unit.read_text().partition("[Service]\n")[2].partition("\n[")[0]
    for line in section.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def ran(*command: str) -> subprocess.CompletedProcess[str]:
    words = python("-m", "tests.deploy.confined", str(WHOLE), *command)
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)


@analysed
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_exposes_less_than_2_0(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze knows no --offline (systemd 250)")
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert level, done.stdout + done.stderr
    assert float(level[1]) < 2.0


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_handed_its_own_secrets_alone(role: str) -> None:
    unit = service(WHOLE.with_name(ROLES[role]))
    handed = {value.partition(":")[0] for value in unit["LoadCredential"]} - {"aws"}
    assert handed <= variables_of(role)  # type: ignore[arg-type]
    assert not handed & withheld_from(role)  # type: ignore[arg-type]
    assert unit["User"] == [f"recording-addon-{role}"]


def test_all_units_are_hardened_alike() -> None:
    first = UNITS[0].read_text()
    rules = first[first.index("NoNewPrivileges") : first.index("[Install]")]
    assert all(rules in unit.read_text() for unit in UNITS)
    for unit in UNITS:
        parsed = configparser.RawConfigParser(strict=False)
        parsed.read(unit)
        assert parsed["Service"]["killmode"] == "mixed"
        assert int(parsed["Service"]["timeoutstopsec"]) > 30


FORBIDDEN = """
import ctypes, mmap, os, socket
before = os.nice(0)
for what, act in {
    "writable code": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC),
    "another user": lambda: os.setuid(1),
    "packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
}.items():
    try:
        act()
        print(what, "is possible")
    except OSError:
        pass
library = ctypes.CDLL(None)
print(library.ptrace(0, 0, 0, 0), library.mount(0, 0, 0, 0, 0), os.nice(1) - before)
"""


@confinable
def test_the_rules_bite_and_a_worker_may_lower_its_priority() -> None:
    done = ran(*python("-c", FORBIDDEN))
    assert (done.stdout, done.stderr) == ("-1 -1 1\n", "")


@confinable
def test_compressed_audio_is_decoded_under_them(tmp_path: Path) -> None:
    path = tmp_path / "call.mp3"
    noise = np.random.default_rng(1).normal(0, 0.1, (16_000, 2))
    soundfile.write(path, noise, 8000, format="MP3")
    done = ran(*python("-m", "flask", "analyse", str(path), "--json"))
    assert done.returncode == 0, done.stderr
    assert '"codec"' in done.stdout


@confinable
@pytest.mark.stack
def test_a_call_goes_through_the_whole_stack_under_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WEB_CONCURRENCY", "1")
    done = ran(*python("-m", "flask", "demo", "--once", "--port", str(free_port())))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equals what was sent" in done.stdout
