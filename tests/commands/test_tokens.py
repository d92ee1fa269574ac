"""`flask tokens`: the token alone on standard output, and never again."""

from __future__ import annotations

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
