"""`flask tokens`: the token alone on standard output, and never again."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from addon.commands.tokens import tokens_cli

INSTALL = "XD" + "1" * 32


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PLAYBACK_SECRETS", "s" * 32)
    monkeypatch.delenv("ARCHIVE_URL", raising=False)

    def command(*words: str, right: bool = True):
        result = CliRunner().invoke(tokens_cli, words)
        assert (result.exit_code == 0) is right, result.output
        return result

    return command


def test_issue_prints_the_token_and_nothing_else(run):
    result = run("issue", "--install", INSTALL, "--label", "crm")
    text = result.stdout.removesuffix("\n")
    assert text.startswith("rec_")
    assert text.split() == [text]
    assert INSTALL in result.stderr


def test_list_shows_everything_but_the_token(run):
    first = run("issue", "--install", INSTALL, "--label", "crm").stdout.strip()
    second = run("issue").stdout.strip()
    lines = run("list").stdout.splitlines()
    assert [line.split("\t")[1] for line in lines] == [INSTALL, "*"]
    assert lines[0].endswith("crm")
    assert first not in "".join(lines)
    assert second not in "".join(lines)


def test_scopes_and_end_are_issued_and_listed(run):
    run("issue", "--scope", "read,link", "--expires", "90d", "--label", "limited")
    run("issue", "--label", "all")
    limited, whole = sorted(
        (line.split("\t") for line in run("list").stdout.splitlines()),
        key=lambda line: line[5] == "all",
    )
    assert limited[3] == "read,link"
    assert limited[4].startswith("expires 20")
    assert whole[3:5] == ["read,link,erase", "never expires"]
    documents = {each["label"]: each for each in json.loads(run("list", "--json").stdout)}
    assert documents["limited"]["scopes"] == ["read", "link"]
    assert (documents["all"]["install"], documents["all"]["expires_at"]) == (None, None)


@pytest.mark.parametrize(
    "words",
    [
        ("--scope", "write"),
        ("--scope", ""),
        ("--expires", "90"),
        ("--expires", "0d"),
        ("--expires", "99999999d"),
        ("--expires", "d"),
    ],
)
def test_a_scope_or_an_end_that_makes_no_sense_is_refused(run, words):
    run("issue", *words, right=False)
    assert run("list").stdout == ""


def test_revoke_ends_one(run):
    run("issue")
    run("issue", "--label", "kept")
    name = next(
        line.split("\t")[0] for line in run("list").stdout.splitlines() if "kept" not in line
    )
    run("revoke", name)
    assert [line.endswith("kept") for line in run("list").stdout.splitlines()] == [True]


@pytest.mark.parametrize("words", [("revoke", "ffff"), ("issue", "--install", "../x")])
def test_what_cannot_be_is_a_sentence_and_no_traceback(run, words):
    result = run(*words, right=False)
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.output
