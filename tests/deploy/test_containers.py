"""The container files name things that exist, and keep the promises of the others."""

import configparser
import hashlib
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from addon.commands import COMMANDS
from addon.settings import Settings
from addon.web.connections.body import SEGMENT_BYTES
from tests.stack.running import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
OWN = [name for name, service in COMPOSE["services"].items() if "build" in service]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_everything_the_image_copies_is_there() -> None:
    copied = [line.split()[1:-1] for line in DOCKERFILE.splitlines() if line.startswith("COPY")]
    assert copied
    assert all((ROOT / path).exists() for paths in copied for path in paths)


def test_nothing_private_gets_into_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".env", "var", ".git", ".venv"} <= set(ignored)


def test_the_image_does_not_run_as_root() -> None:
    assert re.search(r"^USER (?!root)\w+$", DOCKERFILE, re.MULTILINE)


def test_web_and_worker_start_as_the_procfile_says() -> None:
    procfile = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    command = re.findall(r'"([^"]+)"', DOCKERFILE.rpartition("CMD")[2])
    assert command == shlex.split(procfile["web"])
    worker = COMPOSE["services"]["worker"]["command"]
    assert worker == procfile["worker"].partition(" --")[0], "no options means every lane"
    assert COMPOSE["services"]["keys"]["command"].split()[1] in COMMANDS


@pytest.mark.parametrize("name", OWN)
def test_temporary_files_have_a_bound(name: str) -> None:
    assert all(re.search(r":size=\d+[mg]$", mount) for mount in COMPOSE["services"][name]["tmpfs"])


def test_temporary_files_of_the_web_hold_all_unverified_uploads() -> None:
    size = re.fullmatch(r"/tmp:size=(\d+)m", COMPOSE["services"]["web"]["tmpfs"][0])
    assert size is not None
    defaults = Settings.load({})
    copies = defaults.web_concurrency * defaults.web_threads * SEGMENT_BYTES
    assert int(size[1]) * 1024 * 1024 >= defaults.max_unverified_bytes + copies


def as_bytes(text: str) -> int:
    """A size as compose and Redis write it."""
    number, unit = re.fullmatch(r"(\d+)(m|g|mb|gb)", text).groups()  # type: ignore[union-attr]
    return int(number) << {"m": 20, "g": 30}[unit[0]]


def test_every_service_has_a_limit_of_memory_beyond_what_it_may_fill() -> None:
    limits = {name: as_bytes(one["mem_limit"]) for name, one in COMPOSE["services"].items()}
    for name in ("web", "worker"):
        (mount,) = COMPOSE["services"][name]["tmpfs"]
        assert limits[name] > as_bytes(mount.partition("=")[2])
    command = shlex.split(COMPOSE["services"]["redis"]["command"])
    filled = as_bytes(command[command.index("--maxmemory") + 1])
    assert limits["redis"] > 2 * filled, "a rewrite copies what changes meanwhile"


@pytest.mark.parametrize("name", OWN)
def test_a_service_is_confined_and_has_time_to_stop(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["stop_grace_period"] == "30s"
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


@pytest.mark.parametrize("name", ["web", "worker"])
def test_nothing_starts_before_redis_and_the_keys(name: str) -> None:
    assert COMPOSE["services"][name]["depends_on"].keys() == {"redis", "keys"}


def test_web_and_workers_have_settings_and_keys_of_their_own() -> None:
    services = COMPOSE["services"]
    files = {
        name: [one["path"] for one in services[name]["env_file"]] for name in ("web", "worker")
    }
    assert files == {"web": [".env", ".env.web"], "worker": [".env", ".env.worker"]}
    assert "env_file" not in services["redis"]
    assert services["web"]["volumes"] == ["data:/data"]
    assert services["worker"]["volumes"] == ["data:/data", "worker-keys:/data/keys"]
    copied_to = services["keys"]["command"].split()[-1]
    assert f"worker-keys:{copied_to}" in services["keys"]["volumes"]
    assert copied_to in DOCKERFILE, "a new volume takes its owner from the image"


def test_redis_forgets_nothing() -> None:
    command = shlex.split(COMPOSE["services"]["redis"]["command"])
    command = command[: command.index("--user")]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "always"
    assert options["--maxmemory-policy"] == "noeviction"
    assert COMPOSE["services"]["redis"]["volumes"] == ["redis:/data"]


def test_the_unit_starts_the_stack_and_gives_it_time_to_stop() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(ROOT / "docs" / "deploy" / "recording-addon.service")
    service = unit["Service"]
    words = shlex.split(service["ExecStart"])
    assert words[words.index("flask") + 1] in COMMANDS
    assert service["KillMode"] == "mixed"
    assert int(service["TimeoutStopSec"]) > 30


PIN = """#!/bin/sh
[ "$1 $2 $3" = "buildx imagetools inspect" ] || exit 2
printf %s "$4" | sha256sum | sed 's/^/sha256:/; s/ .*//'
"""
"""A docker that knows a digest for every image: the registry's part."""

IMAGE = re.compile(r"(?m)^(?:FROM|\s*image:) (\S+?)(?:@sha256:([0-9a-f]{64}))?$")


def images(folder: Path) -> list[tuple[str, str]]:
    """The images of Dockerfile and compose.yaml with their digests, empty where there is none."""
    texts = [(folder / name).read_text() for name in ("Dockerfile", "compose.yaml")]
    return [found for text in texts for found in IMAGE.findall(text)]


def test_images_are_pinned_all_or_none() -> None:
    """None is, until somebody with a registry at hand has run `make images`."""
    found = images(ROOT)
    assert len(found) == 2
    assert len({bool(digest) for _, digest in found}) == 1


def test_make_images_writes_the_digest_behind_every_image(tmp_path: Path) -> None:
    for name in ("Dockerfile", "compose.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "bin" / "pin-images", tmp_path / "bin")
    (tmp_path / "docker").write_text(PIN)
    (tmp_path / "docker").chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for _ in range(2):
        subprocess.run([tmp_path / "bin" / "pin-images"], env=env, check=True, capture_output=True)
        pinned = images(tmp_path)
        assert [name for name, _ in pinned] == [name for name, _ in images(ROOT)]
        digests = [hashlib.sha256(name.encode()).hexdigest() for name, _ in pinned]
        assert [digest for _, digest in pinned] == digests
    assert yaml.safe_load((tmp_path / "compose.yaml").read_text()).keys() == COMPOSE.keys()
    assert {path.name for path in tmp_path.iterdir()} == {
        "Dockerfile",
        "compose.yaml",
        "bin",
        "docker",
    }
