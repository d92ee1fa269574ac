"""Sessions on a real Redis: what is kept, and what whoever reads or writes Redis gets from it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis

from addon.archive.directory import DirectoryStore
from addon.archive.opening import store_of
from addon.archive.signed_documents import DocumentSigner
from addon.archive.store import Store
from addon.errors import QueueUnavailable, SettingsError, StoreUnavailable
from addon.redis_keys import SESSION
from addon.requests.connections import web_connection
from addon.vault import Vault
from addon.web.ended_sessions import EndedSessions
from addon.web.sessions import SESSION_S, Session, Sessions, hashed
from tests.archive.conftest import aws, bucket, directory

__all__ = ["aws", "bucket", "directory"]

ISSUER = "https://issuer.example"
CLAIMS = {"iss": ISSUER, "sub": "1", "email": "sam@example.org"}
OTHER = {"iss": ISSUER, "sub": "2", "email": "robin@example.org"}
SECRET = "a-playback-secret"
STORE: Store | None = None


@pytest.fixture(autouse=True)
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of this test's own."""
    monkeypatch.setitem(globals(), "STORE", DirectoryStore(tmp_path / "notes"))


def sessions_of(
    connection: redis.Redis,
    *,
    secret: str = SECRET,
    issuer: str = ISSUER,
    later_s: float = 0,
    store: Store | None = None,
) -> Sessions:
    return Sessions(
        connection,
        Vault([secret], "sessions"),
        issuer,
        EndedSessions(store or STORE, DocumentSigner([bytes(32)])),
        now=lambda: datetime.now(UTC) + timedelta(seconds=later_s),
    )


@pytest.fixture
def sessions(redis_server: redis.Redis) -> Sessions:
    return sessions_of(redis_server)


def claims(sessions: Sessions, token: str) -> dict | None:
    found = sessions.find(token)
    return found.claims if found else None


def key_of(token: str) -> str:
    return SESSION + hashed(token)


def test_a_session_brings_its_claims_back(sessions):
    assert claims(sessions, sessions.start(CLAIMS)) == CLAIMS


def test_only_what_the_policy_needs_is_kept(sessions):
    token = sessions.start({**CLAIMS, "phone_number": "+1555", "address": {}})
    assert claims(sessions, token) == CLAIMS


def test_a_token_that_was_never_given_finds_nobody(sessions):
    assert sessions.find("made up") is None
    assert sessions.find("\udcff") is None


def test_redis_holds_neither_the_token_nor_anything_of_the_person(sessions, redis_server):
    token = sessions.start(CLAIMS, "an.id.token")
    (key,) = redis_server.keys()
    held = key + redis_server.get(key)
    for text in (token, "sam", "example", "issuer", "an.id.token", "email"):
        assert text.encode() not in held


def test_a_session_ends_by_itself(sessions, redis_server):
    sessions.start(CLAIMS)
    (key,) = redis_server.keys()
    assert 0 < redis_server.ttl(key) <= SESSION_S


def test_signing_out_ends_it(sessions):
    token = sessions.start(CLAIMS)
    sessions.end(token)
    assert sessions.find(token) is None


def test_a_session_that_is_lost_is_signed_out(sessions, redis_server):
    token = sessions.start(CLAIMS)
    redis_server.flushall()
    assert sessions.find(token) is None


def planted_json(_sessions: Sessions, _connection: redis.Redis) -> bytes:
    return json.dumps(CLAIMS).encode()


def planted_document(_sessions: Sessions, _connection: redis.Redis) -> bytes:
    now = datetime.now(UTC)
    return Session(CLAIMS, now, now + timedelta(hours=1)).to_json().encode()


def of_a_key_of_ones_own(_sessions: Sessions, connection: redis.Redis) -> bytes:
    mine = sessions_of(connection, secret="the attacker's")
    return connection.get(key_of(mine.start(CLAIMS)))


def of_another_person(sessions: Sessions, connection: redis.Redis) -> bytes:
    return connection.get(key_of(sessions.start(OTHER)))


def of_another_purpose(_sessions: Sessions, _connection: redis.Redis) -> bytes:
    now = datetime.now(UTC)
    session = Session(CLAIMS, now, now + timedelta(hours=1))
    return Vault([SECRET], "cookies").encrypt(session, f"{ISSUER}\n{key_of('cookie')}")


@pytest.mark.parametrize(
    "plant",
    [
        planted_json,
        planted_document,
        of_a_key_of_ones_own,
        of_another_person,
        of_another_purpose,
        lambda _sessions, _connection: b"",
        lambda _sessions, _connection: b"\xff" * 200,
    ],
)
def test_a_planted_session_is_none(sessions, redis_server, plant):
    redis_server.set(key_of("cookie"), plant(sessions, redis_server))
    assert sessions.find("cookie") is None


def test_a_changed_session_is_none(sessions, redis_server):
    token = sessions.start(CLAIMS)
    sealed = redis_server.get(key_of(token))
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        redis_server.set(key_of(token), bytes(changed))
        assert sessions.find(token) is None


@pytest.mark.parametrize("command", [("HSET", "a", "b"), ("RPUSH", "a"), ("SADD", "a")])
def test_a_key_of_another_type_is_no_session_and_no_error(sessions, redis_server, command):
    redis_server.execute_command(command[0], key_of("cookie"), *command[1:])
    assert sessions.find("cookie") is None


def test_a_session_that_is_put_back_ends_when_it_would_have(sessions, redis_server):
    token = sessions.start(CLAIMS)
    redis_server.persist(key_of(token))
    assert claims(sessions_of(redis_server, later_s=SESSION_S - 60), token) == CLAIMS
    assert sessions_of(redis_server, later_s=SESSION_S + 1).find(token) is None


def test_sessions_of_another_issuer_are_none(sessions, redis_server):
    token = sessions.start(CLAIMS)
    assert sessions_of(redis_server, issuer="https://new.example").find(token) is None


def test_every_session_can_be_listed_by_name_and_user(sessions):
    tokens = [sessions.start(CLAIMS), sessions.start(OTHER)]
    listed = dict(sessions.all())
    assert {session.user for session in listed.values()} == {CLAIMS["email"], OTHER["email"]}
    assert not any(name in token for name in listed for token in tokens)


def test_one_session_is_ended_by_its_name(sessions):
    ended, kept = sessions.start(CLAIMS), sessions.start(CLAIMS)
    assert sessions.end_named(hashed(ended)[:12]) == 1
    assert sessions.find(ended) is None and sessions.find(kept) is not None


@pytest.mark.parametrize("name", ["", "*", "?", "[a-f]*", "no such"])
def test_no_name_ends_more_than_it_says(sessions, name):
    token = sessions.start(CLAIMS)
    assert sessions.end_named(name) == 0
    assert sessions.find(token) is not None


@pytest.mark.parametrize("user", ["sam@example.org", "SAM@example.org", "1"])
def test_all_sessions_of_a_user_are_ended(sessions, user):
    ended, kept = [sessions.start(CLAIMS) for _ in range(3)], sessions.start(OTHER)
    assert sessions.end_user(user) == 3
    assert [sessions.find(token) for token in ended] == [None] * 3
    assert sessions.find(kept) is not None


def test_every_session_is_ended_also_of_an_issuer_before(sessions, redis_server):
    before = sessions_of(redis_server, issuer="https://old.example").start(CLAIMS)
    token = sessions.start(CLAIMS)
    redis_server.set("something else", "kept")
    assert sessions.end_all() == 2
    assert sessions.find(token) is None
    assert sessions_of(redis_server, issuer="https://old.example").find(before) is None
    assert redis_server.keys() == [b"something else"]


@pytest.mark.parametrize(
    "use",
    [
        lambda sessions: sessions.start(CLAIMS),
        lambda sessions: sessions.find("token"),
        lambda sessions: sessions.end("token"),
        lambda sessions: list(sessions.all()),
        lambda sessions: sessions.end_all(),
    ],
)
def test_without_redis_every_use_says_so(use):
    with pytest.raises(QueueUnavailable):
        use(sessions_of(web_connection("redis://127.0.0.1:9/0")))


def test_without_a_secret_there_are_no_sessions(settings, redis_server):
    with pytest.raises(SettingsError, match="PLAYBACK_SECRETS"):
        Sessions.from_settings(
            settings.replace(playback_secrets=()), redis_server, store_of(settings)
        )


ENDS = {
    "signing out": lambda sessions, token: sessions.end(token),
    "its name": lambda sessions, token: sessions.end_named(hashed(token)[:12]),
    "its user": lambda sessions, token: sessions.end_user("sam@example.org"),
    "all of them": lambda sessions, token: sessions.end_all(),
}


@pytest.mark.parametrize("place", ["directory", "bucket"])
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_an_ended_session_that_is_put_back_signs_nobody_in(redis_server, request, place, end):
    """For this process, for one that starts later, and not for other sessions of the person."""
    store = request.getfixturevalue(place)
    sessions = sessions_of(redis_server, store=store)
    token = sessions.start(CLAIMS)
    sealed = redis_server.get(key_of(token))
    assert sessions.find(token)
    end(sessions, token)
    redis_server.set(key_of(token), sealed)
    assert sessions.find(token) is None
    assert sessions_of(redis_server, store=store).find(token) is None
    assert list(sessions_of(redis_server, store=store).all()) == []
    assert sessions.find(sessions.start(CLAIMS))


def test_without_the_store_a_session_ends_in_redis_all_the_same(redis_server, directory):
    def away(*_args, **_kwargs):
        raise StoreUnavailable("the store does not answer")

    sessions = sessions_of(redis_server, store=directory)
    token = sessions.start(CLAIMS)
    directory.put = away
    with pytest.raises(StoreUnavailable):
        sessions.end(token)
    assert redis_server.get(key_of(token)) is None
