"""The scripts of docs/drills, run line by line as they stand, on a small archive of their own.

`flask` is called in this process, which takes milliseconds; everything else by the shell.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from addon.archive.archive import Archive
from addon.archive.key_pairs import new_key_pair
from addon.catalogue import Catalogue
from addon.commands import COMMANDS, Commands
from addon.settings import Settings
from addon.stack.provision import provision
from tests.archive.recordings import RECORDING, TENANT, archived
from tests.catalogue.recordings import document
from tests.stack.running import ROOT
from tests.workers.conftest import accept, market, settings
from workers import process
from workers.deliver import deliver
from workers.sweeper import Sweeper

__all__ = ["accept", "market", "settings"]

DRILLS = ROOT / "docs" / "drills"
ASSIGNMENT = re.compile(r'([A-Z_]+)="([^"]*)"\s+')
ADA = {"from": "+4930123456", "to": "+15550100", "direction": "inbound"}

REFUSED = re.compile(r"if (flask .+); then exit 1; fi")
"""A command that has to fail: `!` before it would not end the script where it does not."""

Drill = Callable[..., list[str]]


def run_line(line: str, env: Mapping[str, str]) -> tuple[int, str]:
    """The exit code and the output of a line of a script."""
    given = dict(env)
    while found := ASSIGNMENT.match(line):
        given[found[1]] = os.path.expandvars(expanded(found[2], env))
        line = line[found.end() :]
    if not line.startswith("flask "):
        shell = ["sh", "-euc", line]
        done = subprocess.run(shell, env=given, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr
    words = [expanded(word, env) for word in shlex.split(line, comments=True)[1:]]
    result = CliRunner().invoke(Commands(name="flask"), words, env=given)
    return result.exit_code, f"{result.output}{result.exception or ''}"


def expanded(text: str, env: Mapping[str, str]) -> str:
    return re.sub(r"\$([A-Z_]+)", lambda found: env[found[1]], text)


@pytest.fixture
def env(tmp_path: Path, redis_url: str, made_keys: dict[str, str]) -> dict[str, str]:
    """The environment of a deployment whose keys lie under its DATA_DIR."""
    keys = tmp_path / "data" / "keys"
    keys.mkdir(parents=True)
    for name, kept in (
        ("public", "archive_public_key.pem"),
        ("private", "archive_private_key.pem"),
        ("signing", "manifest_signing_key.pem"),
        ("verify", "manifest_verify_key.pem"),
        ("intake", "intake_key"),
    ):
        (keys / kept).write_text(made_keys[name])
    env = {
        "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "PYTHON_DOTENV_DISABLED": "1",
        "DATA_DIR": str(tmp_path / "data"),
        "REDIS_URL": redis_url,
        "BACKUP": str(tmp_path / "backup.tar"),
        "RESTORED": str(tmp_path / "restored"),
        "RECORDING": f"{TENANT}/{RECORDING}",
        "KEYS": str(tmp_path / "new-keys"),
        "OLD_INTAKE_KEY": made_keys["intake"],
        "NEW_INTAKE_KEY": base64.b64encode(os.urandom(32)).decode(),
    }
    for folder in ("RESTORED", "KEYS"):
        Path(env[folder]).mkdir()
    provision(Settings.load(env))
    return env


@pytest.fixture
def archive(env: dict[str, str]) -> Archive:
    """An archive of two recordings."""
    made = Archive.from_settings(Settings.load(env))
    archived(made, b"audio", analysis=document("hello", ADA))
    archived(made, b"theirs", recording_id="RE1", analysis=document("bye", ADA))
    return made


@pytest.fixture
def drill(env: dict[str, str]) -> Drill:
    """Runs a script; every line has to end as the script says. Gives the output of each."""

    def run(name: str) -> list[str]:
        outputs = []
        for line in (DRILLS / name).read_text().splitlines():
            if not line or line.startswith(("#", "set ")):
                continue
            refused = REFUSED.fullmatch(line)
            code, output = run_line(refused[1] if refused else line, env)
            assert bool(code) == bool(refused), f"{line}: {code}\n{output}"
            outputs.append(output)
        return outputs

    return run


def test_every_script_parses_and_is_named_in_the_manual() -> None:
    manual = (ROOT / "docs" / "operations.md").read_text()
    scripts = sorted(DRILLS.glob("*.sh"))
    assert len(scripts) == len(set(re.findall(r"\(drills/([a-z-]+\.sh)\)", manual)))
    for script in scripts:
        assert f"(drills/{script.name})" in manual
        assert script.stat().st_mode & 0o111
        subprocess.run(["sh", "-n", str(script)], check=True)
        for name in re.findall(r"flask ([a-z-]+)", script.read_text()):
            assert name in COMMANDS


def test_a_backup_is_restored_and_one_recording_out_of_it(
    env: dict[str, str], archive: Archive, drill: Drill
) -> None:
    archive.store.put("intake/XRopen", [b"sealed"])
    outputs = drill("restore.sh")
    assert outputs[-1].startswith("2 recordings, 0 of them without figures")
    restored = Archive.from_settings(Settings.load(env | {"DATA_DIR": env["RESTORED"]}))
    assert b"".join(restored.open(TENANT, RECORDING).read()) == b"audio"
    assert restored.store.stat("intake/XRopen") is not None
    (Path(env["DATA_DIR"]) / "archive/recordings" / env["RECORDING"] / "audio.esdk").unlink()
    assert f"bad\t{TENANT}/{RECORDING}\t" in drill("one-recording.sh")[0]
    assert b"".join(archive.open(TENANT, RECORDING).read()) == b"audio"


def test_keys_are_changed_and_the_next_ones_open_everything(
    env: dict[str, str], archive: Archive, drill: Drill
) -> None:
    Path(env["KEYS"], "offline.pub.pem").write_text(new_key_pair(2048).public_pem)
    archive.access_log.record(
        TENANT, RECORDING, "noted", {"by": "Ada"}, at=archive.manifest(TENANT, RECORDING).at
    )
    outputs = drill("keys.sh")
    assert "nobody could open" in outputs[0]
    assert "2 sealed anew, 0 bad" in outputs[4]
    changed = env | {"INTAKE_KEY": env["NEW_INTAKE_KEY"]}
    log = Archive.from_settings(Settings.load(changed)).access_log
    assert all("trouble" not in event for event in log.events(TENANT, RECORDING))


def test_a_lost_catalogue_is_made_anew(env: dict[str, str], archive: Archive, drill: Drill) -> None:
    found = drill("lost-catalogue.sh")[-1]
    assert set(found.splitlines()[:2]) == {f"{TENANT}/{RECORDING}", f"{TENANT}/RE1"}
    catalogue = Catalogue.from_settings(Settings.load(env))
    assert catalogue.installs() == [TENANT]
    catalogue.close()


def test_what_was_open_when_redis_was_lost_is_delivered_once(
    env: dict[str, str], drill: Drill, accept, as_worker
) -> None:
    exchange = accept()
    env["DATA_DIR"] = str(as_worker.settings.data_dir)
    env["INTAKE_KEY"] = env["OLD_INTAKE_KEY"]
    drill("lost-redis.sh")
    assert as_worker.states.get(exchange.sid) is None
    Sweeper(as_worker).sweep()
    assert as_worker.states.get(exchange.sid) is not None
    process.process(exchange.sid)
    deliver(exchange.sid)
    assert len(exchange.callbacks) == 1
