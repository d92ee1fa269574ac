"""The deployment that checks look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from addon.checks import machine
from tests.checks.deployment import Deployment, dated_server
from tests.conftest import ACCOUNT, PUBLIC_URL


@pytest.fixture(scope="session")
def clock() -> Iterator[tuple[str, list[float]]]:
    """The address of a server with a clock, and by how many seconds that one is ahead."""
    ahead = [0.0]
    with dated_server(ahead) as url:
        yield url, ahead


@pytest.fixture
def deployment(
    tmp_path: Path,
    redis_url: str,
    redis_server: object,
    made_keys: dict[str, str],
    clock: tuple[str, list[float]],
    monkeypatch: pytest.MonkeyPatch,
) -> Deployment:
    """One in which everything is fine, wherever the tests' own folder lies."""
    monkeypatch.setattr(machine, "PASSING", {"no file system of this machine"})
    monkeypatch.setattr(machine, "LEAST_FREE_BYTES", 0)
    url, ahead = clock
    ahead[0] = 0.0
    env = {
        "DATA_DIR": str(tmp_path / "var"),
        "REDIS_URL": redis_url,
        "PUBLIC_URL": PUBLIC_URL,
        "TRUSTED_PROXIES": "1",
        "METRICS_TOKEN": "m" * 32,
        "TWILIO_BASE_URL": url,
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": "0b" * 16,
        "ARCHIVE_PUBLIC_KEYS": made_keys["public"],
        "ARCHIVE_PRIVATE_KEYS": made_keys["private"],
        "MANIFEST_SIGNING_KEY": made_keys["signing"],
        "MANIFEST_VERIFY_KEYS": made_keys["verify"],
        "INTAKE_KEY": made_keys["intake"],
        "CATALOGUE_KEY": made_keys["intake"],
        "PLAYBACK_SECRETS": "the-playback-secret-of-these-tests",
    }
    return Deployment(env, ahead)
