"""API tokens: shown once, kept as a hash, revoked at once."""

from __future__ import annotations

import json

import pytest

from addon.archive.directory import DirectoryStore
from addon.archive.prefixes import TOKENS
from addon.archive.signed_documents import DocumentSigner
from addon.errors import NotStored, Unauthenticated
from addon.playback.tokens import Tokens

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


@pytest.mark.parametrize("install", ["", "../x", "a/b", "x" * 65])
def test_an_impossible_install_gets_none(tokens, install):
    with pytest.raises(NotStored):
        tokens.issue(install)
    assert list(tokens.all()) == []
