"""`.env` in the working directory is part of the environment of every process that is started."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from addon.settings import Settings
from tests.deploy.test_gunicorn import DUMP
from tests.settings_pages import EXAMPLE
from tests.stack.running import ROOT

SHOW = """
import json, os
from addon.settings import Settings
shown = Settings.load().model_dump(mode="json", include={"port", "log_level", "media_hosts"})
print(json.dumps(shown | {"endpoint": os.environ.get("AWS_ENDPOINT_URL_S3")}))
"""
SAME = """
import os
from addon.settings import Settings
assert Settings.load() == Settings.load({"DATA_DIR": os.environ["HOME"]})
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with nothing of the project's in it."""
    return tmp_path


def started(folder: Path, *words: str, **env: str) -> subprocess.Popen[str]:
    """The project's Python at work in `folder`, with nothing of this environment but the path."""
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT), **env}
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def output(folder: Path, *words: str, code: int = 0, **env: str) -> str:
    """What it says until it ends."""
    with started(folder, *words, **env) as process:
        said = process.communicate(timeout=60)[0]
    assert process.returncode == code, said
    return said


def write(folder: Path, *lines: str) -> None:
    (folder / ".env").write_text("\n".join([*lines, ""]), encoding="utf-8")


def shown(folder: Path, **env: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(output(folder, "-c", SHOW, **env))
    return found


def test_the_file_is_read_and_the_environment_wins(folder: Path) -> None:
    write(folder, "LOG_LEVEL=debug  # for a while", 'MEDIA_HOSTS="a.example, b.example"', "PORT=1")
    found = shown(folder, LOG_LEVEL="error", PORT="")
    assert found["media_hosts"] == ["a.example", "b.example"]
    assert found["log_level"] == "error"
    assert found["port"] is None, "given, but empty: unset"


def test_what_libraries_read_may_stand_in_the_file(folder: Path) -> None:
    write(folder, "AWS_ENDPOINT_URL_S3=http://127.0.0.1:9000")
    assert shown(folder)["endpoint"] == "http://127.0.0.1:9000"
    write(folder, "AWS_ENDPOINT_URL_S3=")
    assert shown(folder)["endpoint"] is None
    assert shown(folder, AWS_ENDPOINT_URL_S3="")["endpoint"] is None, "as Flask's commands set it"


@pytest.mark.parametrize(
    "example",
    [
        EXAMPLE.read_text(encoding="utf-8"),
        re.sub(r"(?m)^# ([A-Z0-9_]+)=.*$", r"\1=", EXAMPLE.read_text(encoding="utf-8")),
    ],
    ids=["as it is", "all uncommented without values"],
)
def test_a_copied_example_changes_nothing(folder: Path, example: str) -> None:
    write(folder, example, f"DATA_DIR={folder}")
    assert output(folder, "-c", SAME) == ""


def test_a_value_that_the_file_has_wrong_stops_the_start(folder: Path) -> None:
    write(folder, "LOG_LEVEL=loud")
    for words in (["flask", "serve"], ["gunicorn", "-c", f"{ROOT}/gunicorn.conf.py"], ["workers"]):
        said = output(folder, "-m", *words, code=1, FLASK_APP=f"{ROOT}/app.py")
        assert said.startswith("LOG_LEVEL must be"), said
        assert "loud" not in said


def test_a_file_that_cannot_be_read_stops_the_start(folder: Path) -> None:
    (folder / ".env").write_bytes(b"LOG_LEVEL=\xff\n")
    said = output(folder, "-m", "workers", code=1)
    assert said.startswith(".env cannot be read"), said


def test_a_command_of_flask_reads_it(folder: Path) -> None:
    write(folder, "DATA_DIR=elsewhere")
    output(folder, "-m", "flask", "keys", FLASK_APP=f"{ROOT}/app.py")
    assert (folder / "elsewhere" / "keys" / "intake_key").is_file()


def test_gunicorn_reads_it(folder: Path) -> None:
    write(folder, "WEB_CONCURRENCY=3", "WEB_THREADS=5", "PORT=5000", "DYNO=")
    code = DUMP.replace("gunicorn.conf.py", f"{ROOT}/gunicorn.conf.py")
    found = json.loads(output(folder, "-c", code))
    assert (found["workers"], found["threads"], found["bind"]) == (3, 5, ["0.0.0.0:5000"])
    assert found["forwarded_allow_ips"] == ["127.0.0.1", "::1"]


def test_the_worker_launcher_reads_it(folder: Path) -> None:
    write(folder, "WORKERS=3", f"REDIS_URL=unix://{folder}/nobody.sock")
    with started(folder, "-m", "workers") as launcher:
        assert launcher.stdout is not None
        first = json.loads(launcher.stdout.readline())
        launcher.send_signal(signal.SIGTERM)
        launcher.communicate(timeout=60)
    assert (first["event"], first["general"]) == ("workers started", 3)


def test_printed_keys_are_a_file_for_another_machine(folder: Path) -> None:
    write(folder, "DATA_DIR=here")
    printed = output(folder, "-m", "flask", "keys", "--as-env", FLASK_APP=f"{ROOT}/app.py")
    lines = [line for line in printed.splitlines() if re.match(r"[A-Z_0-9]+=", line)]
    here = Settings.load({"DATA_DIR": str(folder / "here")})
    write(folder, "DATA_DIR=there", *lines)
    code = "from addon.settings import Settings; print(Settings.load().archive_private_keys[0])"
    assert output(folder, "-c", code).strip() == here.archive_private_keys[0].strip()


GIVEN = """
import json
from addon import environment
environment.set_defaults({"PUBLIC_URL": "http://default", "PORT": "1"})
print(json.dumps([environment.given().get(name) for name in ("LOG_LEVEL", "PORT", "PUBLIC_URL")]))
print(json.dumps([environment.take("PORT", "NONE"), "PORT" in environment.variables()]))
"""


def test_what_was_added_is_left_out_for_the_same_program_anew(folder: Path) -> None:
    write(folder, "LOG_LEVEL=debug", "PORT=2")
    given, taken = output(folder, "-c", GIVEN, PORT="8080").splitlines()
    assert json.loads(given) == [None, "8080", None]
    assert json.loads(taken) == [{"PORT": "8080"}, False]


GIVE_UP = """
import json, os, sys
from addon import environment
environment.give_up({"PORT", "METRICS_TOKEN"})
shown = open("/proc/self/environ").read() if os.path.exists("/proc/self/environ") else ""
held = environment.variables()
print(json.dumps([held.get("PORT"), held.get("METRICS_TOKEN"), held.get("LOG_LEVEL")]))
print("PORT=" in shown, sys.argv[1:])
"""


def test_what_a_process_gives_up_is_gone_from_what_it_was_started_with_too(folder: Path) -> None:
    write(folder, "METRICS_TOKEN=secret", "LOG_LEVEL=debug")
    said = output(folder, "-c", GIVE_UP, "an argument", PORT="8080").splitlines()
    assert json.loads(said[0]) == [None, None, "debug"]
    assert said[1] == "False ['an argument']"
