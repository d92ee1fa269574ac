"""API tokens: shown once, kept as a hash, revoked at once."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from addon.archive.directory import DirectoryStore
from addon.archive.prefixes import REVOKED_TOKENS, TOKENS
from addon.archive.signed_documents import DocumentSigner
from addon.errors import NotStored, StoreUnavailable, Unauthenticated
from addon.playback import tokens as module
from addon.playback.tokens import KIND, USUAL_SCOPES, Tokens
from tests.archive.conftest import aws, bucket, directory

__all__ = ["aws", "bucket", "directory"]

INSTALL = "XD" + "1" * 32
KEY = bytes(range(32))


@pytest.fixture
def store(tmp_path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "archive")


@pytest.fixture
def tokens(store) -> Tokens:
    return Tokens(store, DocumentSigner([KEY]))


def test_a_token_is_known_again_and_says_what_it_is_for(tokens):
    text, token = tokens.issue(INSTALL, "crm")
    assert tokens.find(text) == token
    assert (token.install, token.label) == (INSTALL, "crm")
    assert token.admits(INSTALL)
    assert not token.admits("XD" + "2" * 32)


def test_a_token_for_all_admits_every_install(tokens):
    _, token = tokens.issue()
    assert token.install is None
    assert token.admits(INSTALL)


def test_the_store_holds_no_token(tokens, store):
    text, token = tokens.issue(INSTALL, "crm")
    (stat,) = store.list(TOKENS)
    content = store.get(stat.key)
    assert text not in stat.key + content.decode()
    assert text[5:] not in stat.key + content.decode()
    assert json.loads(content)["install"] == INSTALL
    assert stat.key.startswith(TOKENS + token.name)


def test_two_tokens_differ(tokens):
    assert tokens.issue()[0] != tokens.issue()[0]


def test_a_revoked_token_is_unknown_at_once(tokens):
    text, token = tokens.issue()
    kept, _ = tokens.issue()
    tokens.revoke(token.name)
    with pytest.raises(Unauthenticated):
        tokens.find(text)
    assert tokens.find(kept)


def test_a_token_can_be_revoked_by_its_text(tokens):
    text, _ = tokens.issue()
    tokens.revoke(text)
    assert list(tokens.all()) == []


@pytest.mark.parametrize("name", ["", "ffffffffffff", "rec_never-issued"])
def test_what_is_no_token_cannot_be_revoked(tokens, name):
    tokens.issue()
    with pytest.raises(NotStored):
        tokens.revoke(name)
    assert len(list(tokens.all())) == 1


def test_an_ambiguous_name_revokes_nothing(tokens):
    names = {tokens.issue()[1].name[:1] for _ in range(17)}
    shared = next(n for n in names if sum(t.name.startswith(n) for t in tokens.all()) > 1)
    with pytest.raises(NotStored, match="several"):
        tokens.revoke(shared)
    assert len(list(tokens.all())) == 17


@pytest.mark.parametrize(
    "text",
    ["", "rec_", "rec_" + "x" * 43, "abc", "rec_" + "x" * 200, "rec_é", "rec_\0", "rec_../x"],
)
def test_nonsense_is_unknown(tokens, text):
    tokens.issue()
    with pytest.raises(Unauthenticated):
        tokens.find(text)


SIGNER = DocumentSigner([KEY])
RECORD = {"version": 1, "install": None, "label": "planted", "issued_at": ""}


def signed_for(digest: str, *, record=RECORD, kind=KIND, signer=SIGNER) -> bytes:
    return signer.sign(kind, TOKENS + digest, record)


PLANTED = {
    "unsigned, as release 0.1.0 wrote them": lambda digest, genuine: json.dumps(RECORD).encode(),
    "garbage": lambda digest, genuine: b"\xff garbage",
    "empty": lambda digest, genuine: b"",
    "too large": lambda digest, genuine: b" " * (16 * 1024 * 1024 + 1),
    "another token's": lambda digest, genuine: signed_for("0" * 64),
    "another kind": lambda digest, genuine: signed_for(digest, kind="outcome"),
    "another key": lambda digest, genuine: signed_for(
        digest, signer=DocumentSigner([os.urandom(32)])
    ),
    "for every install": lambda digest, genuine: genuine.replace(INSTALL.encode(), b"XD2"),
}


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
@pytest.mark.parametrize("place", ["directory", "bucket"])
def test_whoever_can_only_write_to_the_store_makes_no_token(place, planted, request):
    store = request.getfixturevalue(place)
    tokens = Tokens(store, SIGNER)
    text, token = tokens.issue(INSTALL, "crm")
    (stat,) = store.list(TOKENS)
    digest = stat.key.removeprefix(TOKENS)
    store.put(stat.key, [planted(digest, store.get(stat.key))], if_absent=False)
    with pytest.raises(Unauthenticated):
        tokens.find(text)
    assert list(tokens.all()) == []
    tokens.revoke(token.name)
    assert list(store.list(TOKENS)) == []


@pytest.mark.parametrize("place", ["directory", "bucket"])
def test_a_revoked_token_that_is_put_back_opens_nothing(place, request):
    store = request.getfixturevalue(place)
    tokens = Tokens(store, SIGNER)
    text, token = tokens.issue(INSTALL)
    (stat,) = store.list(TOKENS)
    record = store.get(stat.key)
    tokens.revoke(token.name)
    store.put(stat.key, [record])
    with pytest.raises(Unauthenticated):
        tokens.find(text)
    assert not tokens.is_valid(token.name)
    assert list(tokens.all()) == []
    tokens.revoke(token.name)
    assert list(store.list(TOKENS)) == []


def test_a_token_whose_revocation_was_interrupted_is_revoked(tokens, store, monkeypatch):
    text, token = tokens.issue(INSTALL)

    def away(_key):
        raise StoreUnavailable("the store does not answer")

    monkeypatch.setattr(store, "delete", away)
    with pytest.raises(StoreUnavailable):
        tokens.revoke(token.name)
    with pytest.raises(Unauthenticated):
        tokens.find(text)


@pytest.mark.parametrize("upgrading", [False, True])
@pytest.mark.parametrize("content", [b"", b"\xff", b'{"version": 1}', b" " * 17_000_000, None])
def test_a_tombstone_that_somebody_plants_revokes_nothing(store, content, upgrading):
    until = datetime.now(UTC) + timedelta(days=1) if upgrading else None
    tokens = Tokens(store, DocumentSigner([KEY], unsigned_until=until))
    text, token = tokens.issue(INSTALL)
    (stat,) = store.list(TOKENS)
    planted = store.get(stat.key) if content is None else content
    store.put(REVOKED_TOKENS + stat.key.removeprefix(TOKENS), [planted])
    assert tokens.find(text) == token


def test_a_token_is_good_until_it_expires(tokens, monkeypatch):
    until = datetime.now(UTC) + timedelta(hours=1)
    text, token = tokens.issue(INSTALL, expires_at=until)
    assert tokens.find(text).expires_at == until
    assert token.has_expired(until)
    old, _ = tokens.issue(INSTALL, expires_at=datetime.now(UTC))
    with pytest.raises(Unauthenticated):
        tokens.find(old)
    assert len(list(tokens.all())) == 2


def test_a_token_keeps_its_scopes(tokens):
    text, token = tokens.issue(INSTALL, scopes=["link", "read"])
    assert tokens.find(text) == token
    assert set(token.scopes) == {"link", "read"}
    assert tokens.issue(INSTALL)[1].scopes == USUAL_SCOPES


def test_that_a_token_is_valid_is_known_by_its_name(tokens, monkeypatch):
    monkeypatch.setattr(module, "VALID_FOR_S", 0.0)
    tokens = Tokens(tokens._store, tokens._signer)
    _, kept = tokens.issue(INSTALL)
    _, old = tokens.issue(INSTALL, expires_at=datetime.now(UTC))
    assert [tokens.is_valid(name) for name in (kept.name, old.name, "0" * 12)] == [
        True,
        False,
        False,
    ]
    tokens.revoke(kept.name)
    assert not tokens.is_valid(kept.name)


def test_the_ranges_of_a_link_ask_the_store_once_in_some_seconds(tokens, monkeypatch):
    _, token = tokens.issue(INSTALL)
    assert tokens.is_valid(token.name)
    monkeypatch.setattr(tokens, "_store", None)
    assert tokens.is_valid(token.name)
    assert module.VALID_FOR_S <= 10


@pytest.mark.parametrize("install", ["", "../x", "a/b", "x" * 65])
def test_an_impossible_install_gets_none(tokens, install):
    with pytest.raises(NotStored):
        tokens.issue(install)
    assert list(tokens.all()) == []
