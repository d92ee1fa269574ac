"""A child's environment holds the settings that its role needs, and no other."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from addon.commands.marketplace import Marketplace
from addon.setting_roles import variables_of, withheld_from
from addon.stack.role_environments import bare_environment, environment_of
from tests.stack.running import Running, descendants, free_port, python, running, wait_until

EVERYTHING = {name: f"value of {name}" for name in variables_of()}
OTHERS = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "aws", "HTTPS_PROXY": "proxy", "TZ": "UTC"}


def test_a_role_gets_its_settings_and_what_is_no_setting() -> None:
    for role in ("web", "worker"):
        held = environment_of(role, EVERYTHING | OTHERS)
        assert held.keys() == variables_of(role) | OTHERS.keys()


def test_a_worker_is_withheld_what_opens_the_archive_and_signs_links() -> None:
    assert withheld_from("worker") >= {
        "ARCHIVE_PRIVATE_KEYS",
        "ARCHIVE_LOCAL_KEY",
        "PLAYBACK_SECRETS",
        "OIDC_CLIENT_SECRET",
        "METRICS_TOKEN",
        "TWILIO_AUTH_TOKENS_ALSO_ACCEPTED",
        "TWILIO_SHARED_KEYS",
    }


def test_the_web_is_withheld_what_fetches_and_delivers() -> None:
    assert withheld_from("web") >= {"CALLBACK_CREDENTIALS", "FLEX_PRIVATE_KEYS", "RINGCENTRAL_JWT"}


def test_a_process_without_settings_gets_none_and_no_credential() -> None:
    assert bare_environment(EVERYTHING | OTHERS) == {"PATH": "/bin", "TZ": "UTC"}


linux = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")

SECRETS = {
    name: secrets.token_hex(32)
    for name in sorted(
        withheld_from("worker") & {"PLAYBACK_SECRETS", "METRICS_TOKEN", "OIDC_CLIENT_SECRET"}
    )
} | {
    "ARCHIVE_LOCAL_KEY": secrets.token_hex(32),
    "TWILIO_AUTH_TOKENS_ALSO_ACCEPTED": secrets.token_hex(16),
    "TWILIO_SHARED_KEYS": f"key={secrets.token_hex(32)}",
    "CALLBACK_CREDENTIALS": f"XD1=user:{secrets.token_hex(32)}",
    "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
    "TWILIO_ACCOUNT_SID": "AC" + secrets.token_hex(16),
    "INTAKE_KEY": secrets.token_hex(32),
}
"""One of each kind, with values that can be told from everything else in a process."""


def environ(pid: int) -> dict[str, str]:
    """What the kernel shows of a process's environment."""
    text = Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "surrogateescape")
    return dict(line.split("=", 1) for line in text.split("\0") if "=" in line)


def kind(pid: int, stack: Running) -> str:
    """The child of the supervisor that a process is or belongs to."""
    while (parent := _parent(pid)) != stack.process.pid:
        pid = parent
    words = Path(f"/proc/{pid}/cmdline").read_text()
    named = {"valkey": "redis", "gunicorn": "web", "workers": "worker"}
    return next(role for word, role in named.items() if word in words)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@contextmanager
def stack_at_work(data_dir: Path) -> Iterator[Running]:
    """A stack with a job in flight: its recording's host accepts and stays silent."""
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as silent, Marketplace("", "") as market:
        market.account_sid = SECRETS["TWILIO_ACCOUNT_SID"]
        market.auth_token = SECRETS["TWILIO_AUTH_TOKEN"]
        market.media_origin = f"http://127.0.0.1:{silent.getsockname()[1]}"
        hosts = {"MEDIA_HOSTS": market.media_origin, "CALLBACK_HOSTS": market.origin}
        words = python("-m", "flask", "serve", "--port", str(port), "--workers", "1")
        with running(words, {"DATA_DIR": str(data_dir), **SECRETS, **hosts}) as stack:
            stack.wait_for_event("Ready on ")
            url = f"http://127.0.0.1:{port}/recording-analysis"
            _, (answer,) = market.invoke(url, b"", mode="url")
            assert answer.status == 202
            with silent.accept()[0]:
                yield stack


def assert_holds_only_its_own(pid: int, role: str) -> None:
    held = environ(pid)
    allowed = variables_of(role) if role != "redis" else frozenset()  # type: ignore[arg-type]
    assert held.keys() & variables_of() <= allowed, role
    foreign = {name for name in SECRETS if name not in allowed and SECRETS[name] in str(held)}
    assert not foreign, role


@linux
@pytest.mark.stack
def test_every_process_of_a_stack_holds_the_settings_of_its_role_and_no_other(
    tmp_path: Path,
) -> None:
    with stack_at_work(tmp_path) as stack:
        kinds = {pid: kind(pid, stack) for pid in descendants(stack.process.pid)}
        for pid, role in kinds.items():
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # it has ended since
                assert_holds_only_its_own(pid, role)
        processes = list(kinds.values())
        assert processes.count("redis") == 1
        assert processes.count("web") >= 2, "gunicorn's master and its workers"
        assert processes.count("worker") >= 6, "launcher, workers, deliveries, sweeper, job"
        assert environ(stack.process.pid).keys() >= SECRETS.keys(), "the supervisor has them all"


@linux
@pytest.mark.stack
def test_workers_that_are_started_alone_give_up_what_they_do_not_need(
    tmp_path: Path, redis_url: str
) -> None:
    given = {"DATA_DIR": str(tmp_path), "REDIS_URL": redis_url, **SECRETS}
    with running(python("-m", "workers", "--workers", "1"), given) as stack:
        stack.wait_for_event("workers started")
        wait_until(lambda: len(descendants(stack.process.pid)) >= 4)
        for pid in {stack.process.pid, *descendants(stack.process.pid)}:
            assert_holds_only_its_own(pid, "worker")
        assert environ(stack.process.pid)["INTAKE_KEY"] == SECRETS["INTAKE_KEY"]
        assert environ(stack.process.pid)["PATH"] == os.environ["PATH"]
