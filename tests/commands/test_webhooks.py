"""`flask webhooks`: a secret alone on standard output, and never again."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from addon.commands.webhooks import webhooks_cli

INSTALL = "XD" + "1" * 32
URL = "https://hooks.example.com/a-secret-path"


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("INTAKE_KEY", "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=")
    monkeypatch.setenv("WEBHOOK_HOSTS", "hooks.example.com")
    monkeypatch.delenv("ARCHIVE_URL", raising=False)

    def command(*words: str, right: bool = True):
        result = CliRunner().invoke(webhooks_cli, words)
        assert (result.exit_code == 0) is right, result.output
        return result

    return command


def endpoint_id(result) -> str:
    return result.stderr.split()[0]


def test_create_prints_the_secret_and_nothing_else(run):
    result = run("create", URL, "--install", INSTALL, "--event", "recording.ready")
    text = result.stdout.removesuffix("\n")
    assert text.startswith("whsec_")
    assert text.split() == [text]
    assert "recording.ready" in result.stderr and INSTALL in result.stderr


def test_list_shows_no_secret_and_no_path(run):
    result = run("create", URL, "--install", INSTALL, "--label", "crm")
    (line,) = run("list").stdout.splitlines()
    assert line.split("\t")[:4] == [
        endpoint_id(result),
        INSTALL,
        "active",
        "https://hooks.example.com",
    ]
    assert result.stdout.strip() not in line
    assert "a-secret-path" not in line
    assert run("list", "--install", "XD9").stdout == ""


def test_a_secret_is_rotated_and_an_endpoint_stopped_started_and_removed(run):
    result = run("create", URL, "--install", INSTALL)
    one = endpoint_id(result)
    rotated = run("rotate", one).stdout.strip()
    assert rotated.startswith("whsec_") and rotated != result.stdout.strip()
    run("disable", one)
    assert run("list").stdout.split("\t")[2] == "disabled"
    run("enable", one)
    assert run("list").stdout.split("\t")[2] == "active"
    run("remove", one)
    assert run("list").stdout == ""
    run("remove", one, right=False)


def test_a_host_that_is_not_allowed_is_refused_with_a_sentence(run):
    result = run("create", "https://evil.example/", "--install", INSTALL, right=False)
    assert "WEBHOOK_HOSTS" in result.stderr
