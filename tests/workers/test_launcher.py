"""The launcher: which processes a machine has, and that they are kept running."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from redis.exceptions import AuthenticationError
from structlog.testing import capture_logs

from addon.catalogue.database import Database, url_of
from addon.errors import SettingsError
from addon.requests import scheduling
from addon.settings import Settings
from tests.conftest import ACCOUNT, TOKEN
from tests.stack.running import ROOT, python
from workers import launcher
from workers.launcher import ChildProcess, Launcher, children

IMPORTS = r"""
import sys
from addon.settings import Settings
from workers.launcher import preload
preload(Settings.load())
before = set(sys.modules)
from workers.process import process
process(sys.argv[1])
print("\nimported:", *sorted(set(sys.modules) - before))
"""


def names(served=scheduling.ALL_QUEUES) -> list[str]:
    return [child.name for child in children(2, served)]


def test_a_machine_has_general_workers_one_for_short_clips_deliveries_and_a_sweeper():
    roles = [role for role in scheduling.ROLES if role != "general"]
    assert names() == ["general-1", "general-2", *roles, "sweeper"]


def test_processes_that_would_have_no_queue_are_left_out():
    assert names(["qlong"]) == ["general-1", "general-2", "sweeper"]
    assert names([scheduling.DELIVER]) == [
        *(role for role, queues in scheduling.ROLES.items() if scheduling.DELIVER in queues),
        "sweeper",
    ]


def start_again(path: Path) -> None:
    """A child that ends at once, three times; the launcher stops when it is told to."""
    launcher.RESTART_S, launcher.TICK_S = 0.0, 0.01

    def note() -> None:
        with path.open("a") as file:
            file.write("started\n")
        if path.read_text().count("started") == 3:
            os.kill(os.getppid(), signal.SIGTERM)
            threading.Event().wait(60.0)  # until it is told to end as well

    Launcher([ChildProcess("short", note)]).run()
    assert path.read_text().count("started") == 3


def test_a_process_that_ends_is_started_again_until_the_stop(children, tmp_path):
    assert children.run(start_again, tmp_path / "starts") == 0


def test_a_password_that_redis_refuses_is_a_sentence_and_no_traceback():
    def refused() -> None:
        raise AuthenticationError("WRONGPASS")

    with capture_logs() as logs:
        assert launcher.exit_code(refused) == 1
    (line,) = logs
    assert line["event"].startswith("Redis refuses the password of REDIS_URL")
    assert "exc_info" not in line


def test_a_queue_that_does_not_exist_is_named(capsys):
    with pytest.raises(SystemExit):
        launcher.main(["--queues", "express,nonsense"])
    assert "there is no queue nonsense" in capsys.readouterr().err


def test_wrong_settings_end_it_with_a_remedy(monkeypatch, capsys):
    def load(_: type[Settings], role: str) -> Settings:
        raise SettingsError("INTAKE_KEY is no key", remedy="Make one.")

    monkeypatch.setattr(Settings, "load", classmethod(load))
    assert launcher.main([]) == 1
    assert capsys.readouterr().err == "INTAKE_KEY is no key. Make one.\n"


def test_a_file_of_rules_with_an_error_ends_it(settings, monkeypatch, capsys, tmp_path):
    (tmp_path / "rules.toml").write_text("[x]\nphrases = 3\n")
    wrong = settings.replace(rules={"": str(tmp_path / "rules.toml")})
    monkeypatch.setattr(launcher.Settings, "load", classmethod(lambda _cls, role: wrong))
    assert launcher.main([]) == 1
    assert "line 2, rule x, field phrases: must be a list" in capsys.readouterr().err


def test_weak_settings_of_workers_are_named_at_their_start(settings, monkeypatch):
    weak = settings.replace(callback_hosts=("*.herokuapp.com",))
    monkeypatch.setattr(launcher.Settings, "load", classmethod(lambda _cls, role: weak))
    for step in ("preload", "Launcher"):
        monkeypatch.setattr(launcher, step, MagicMock())
    monkeypatch.setattr(launcher.log, "configure", lambda _level: None)
    with capture_logs() as logs:
        assert launcher.main(["--workers", "1"]) == 0
    assert "CALLBACK_HOSTS has *.herokuapp.com: anybody can have a host there" in [
        line["event"] for line in logs
    ]


def test_a_job_imports_nothing_that_was_not_there_before_the_fork(
    accept, settings, market, made_keys
):
    """`numpy.ma` alone, imported anew in every job, was a third of a voicemail's time."""
    exchange = accept()
    database = Database(url_of(settings))
    with database.begin():
        pass  # migrated once in a catalogue's life, for which alembic is imported
    database.close()
    env = os.environ | {
        "DATA_DIR": str(settings.data_dir),
        "REDIS_URL": settings.redis_url,
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "CALLBACK_HOSTS": market.origin,
        "CALLBACK_CREDENTIALS": f"{market.origin}={market.credentials}",
        "ARCHIVE_PUBLIC_KEYS": made_keys["public"],
        "MANIFEST_SIGNING_KEY": made_keys["signing"],
        "MANIFEST_VERIFY_KEYS": made_keys["verify"],
        "INTAKE_KEY": made_keys["intake"],
        "CATALOGUE_KEY": made_keys["intake"],
    }
    ran = subprocess.run(
        python("-c", IMPORTS, exchange.sid), cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    imported = ran.stdout.splitlines()[-1].split()[1:]
    assert imported == [], " ".join(imported)
