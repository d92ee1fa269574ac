"""`flask sessions`: who is signed in, and that an ended session holds no longer."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from addon.archive.opening import store_of
from addon.commands.sessions import sessions_cli
from addon.settings import Settings
from addon.web.sessions import Sessions, hashed

ISSUER = "https://issuer.example"
SAM = {"iss": ISSUER, "sub": "1", "email": "sam@example.org"}
ROBIN = {"iss": ISSUER, "sub": "2", "preferred_username": "robin"}


@pytest.fixture
def run(tmp_path, monkeypatch, redis_url):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("OIDC_ISSUER", ISSUER)
    monkeypatch.setenv("OIDC_CLIENT_ID", "recordings")
    monkeypatch.setenv("PLAYBACK_SECRETS", "s" * 32)

    def command(*words: str, code: int = 0):
        result = CliRunner().invoke(sessions_cli, words)
        assert result.exit_code == code, result.output
        return result

    return command


@pytest.fixture
def sessions(run, redis_server) -> Sessions:
    settings = Settings.load()
    return Sessions.from_settings(settings, redis_server, store_of(settings))


def test_list_names_people_and_never_a_cookie(run, sessions):
    tokens = [sessions.start(SAM), sessions.start(ROBIN)]
    lines = [line.split("\t") for line in run("list").stdout.splitlines()]
    assert [line[3] for line in lines] == ["sam@example.org", "robin"]
    assert [line[0] for line in lines] == [hashed(token)[:12] for token in tokens]
    assert not any(token in str(lines) for token in tokens)


def test_end_takes_a_name_from_the_list(run, sessions):
    token, kept = sessions.start(SAM), sessions.start(SAM)
    run("end", hashed(token)[:12])
    assert sessions.find(token) is None and sessions.find(kept) is not None


def test_end_takes_a_user(run, sessions):
    token, kept = sessions.start(SAM), sessions.start(ROBIN)
    assert "1 ended" in run("end", "--user", "Sam@example.org").stderr
    assert sessions.find(token) is None and sessions.find(kept) is not None


def test_end_all_ends_all(run, sessions):
    tokens = [sessions.start(SAM), sessions.start(ROBIN)]
    assert "2 ended" in run("end", "--all").stderr
    assert [sessions.find(token) for token in tokens] == [None, None]
    assert "0 ended" in run("end", "--all").stderr


@pytest.mark.parametrize(
    "words", [("end",), ("end", "a", "--all"), ("end", "--user", "a", "--all")]
)
def test_end_wants_one_thing_to_end(run, sessions, words):
    token = sessions.start(SAM)
    run(*words, code=2)
    assert sessions.find(token) is not None


@pytest.mark.parametrize("words", [("end", "ffff"), ("end", "*"), ("end", "--user", "nobody")])
def test_ending_nothing_is_said(run, sessions, words):
    token = sessions.start(SAM)
    assert "no such session" in run(*words, code=1).stderr
    assert sessions.find(token) is not None
