"""Gunicorn's settings as gunicorn itself understands them."""

import json
import subprocess
import sys

import pytest

from tests.stack.running import ROOT

DUMP = """
import json, sys
from gunicorn.app.wsgiapp import WSGIApplication
sys.argv = ["gunicorn", "-c", "gunicorn.conf.py", "app:app"]
cfg = WSGIApplication().cfg
names = ["bind", "workers", "threads", "worker_class_str", "graceful_timeout", "accesslog",
         "forwarded_allow_ips", "control_socket_disable"]
print(json.dumps({name: getattr(cfg, name) for name in names}))
"""


def configured(**env: str) -> dict[str, object]:
    env["PYTHON_DOTENV_DISABLED"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", DUMP], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_alone_it_listens_for_this_machine_only() -> None:
    found = configured()
    assert found["bind"] == ["127.0.0.1:8080"]
    assert (found["workers"], found["threads"]) == (2, 16)
    assert found["worker_class_str"] == "addon.web.connections.worker.ConnectionWorker"
    assert found["forwarded_allow_ips"] == ["127.0.0.1", "::1"]


def test_on_a_platform_it_does_what_that_says() -> None:
    found = configured(PORT="5000", WEB_CONCURRENCY="3", DYNO="web.1")
    assert found["bind"] == ["0.0.0.0:5000"]
    assert found["workers"] == 3
    assert found["forwarded_allow_ips"] == ["*"]


@pytest.mark.parametrize("env", [{}, {"DYNO": "web.1", "PORT": "5000"}])
def test_no_address_with_a_grant_is_logged_and_no_stop_takes_too_long(env: dict[str, str]) -> None:
    found = configured(**env)
    assert found["accesslog"] is None
    assert found["control_socket_disable"] is True
    graceful = found["graceful_timeout"]
    assert isinstance(graceful, int)
    assert graceful < 30


def test_weak_settings_and_too_few_files_are_named_at_the_start_and_it_starts() -> None:
    code = DUMP.replace("print(", "cfg.on_starting(SimpleNamespace(log=getLogger()))\nprint(")
    code = "from logging import getLogger\nfrom types import SimpleNamespace\n" + code
    code = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))\n" + code
    env = {"PYTHON_DOTENV_DISABLED": "1", "METRICS_TOKEN": "short-one"}
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert "METRICS_TOKEN has a secret shorter than 32 characters" in done.stderr
    assert "short-one" not in done.stderr
    assert "this process may open 128 files, and WEB_CONNECTIONS=1000 needs 2200" in done.stderr


def test_what_the_processes_share_is_imported_before_the_fork_and_starts_no_thread() -> None:
    code = DUMP.replace("print(", "cfg.on_starting(SimpleNamespace(log=getLogger()))\nprint(")
    code = "from logging import getLogger\nfrom types import SimpleNamespace\n" + code
    code += "import threading\nprint([each.name for each in threading.enumerate()])\n"
    code += "before = set(sys.modules)\nimport app\n"
    code += "print([each for each in set(sys.modules) - before if each.startswith('addon.')])\n"
    env = {"PYTHON_DOTENV_DISABLED": "1"}
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    threads, later = done.stdout.splitlines()[-2:]
    assert later == "[]"
    assert threads == "['MainThread']"
