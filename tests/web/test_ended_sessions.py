"""Notes of ended sessions: believed where we signed them, and gone when nothing needs them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from addon.archive.directory import DirectoryStore
from addon.archive.prefixes import ENDED_SESSIONS
from addon.archive.signed_documents import DocumentSigner
from addon.web import ended_sessions
from addon.web.ended_sessions import KEPT_FOR, KIND, EndedSessions
from addon.web.sessions import SESSION_S

SIGNER = DocumentSigner([bytes(32)])


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path)


def test_what_was_noted_is_known_at_once_and_to_others(store):
    ended = EndedSessions(store, SIGNER)
    assert not ended.has("ab")
    ended.note("ab")
    assert ended.has("ab")
    assert EndedSessions(store, SIGNER).has("ab")
    assert not ended.has("cd")


PLANTED = {
    "garbage": b"\xff",
    "empty": b"",
    "unsigned": b'{"version": 1}',
    "huge": b" " * 17_000_000,
    "of another": SIGNER.sign(KIND, ENDED_SESSIONS + "cd", {}),
}


@pytest.mark.parametrize("content", PLANTED.values(), ids=PLANTED)
def test_a_planted_note_ends_nothing(store, content):
    store.put(ENDED_SESSIONS + "ab", [content])
    assert not EndedSessions(store, SIGNER).has("ab")


def test_a_page_asks_the_store_once_in_some_seconds(store, monkeypatch):
    ended = EndedSessions(store, SIGNER)
    assert not ended.has("ab")
    monkeypatch.setattr(store, "get", None)
    assert not ended.has("ab")
    assert ended_sessions.ASKED_EVERY_S <= 60


def test_notes_go_when_their_sessions_would_have_ended(store, tmp_path):
    ended = EndedSessions(store, SIGNER)
    ended.note("ab")
    long_ago = time.time() - KEPT_FOR.total_seconds() - 60
    os.utime(tmp_path / ENDED_SESSIONS / "ab", (long_ago, long_ago))
    ended.note("cd")
    assert [stat.key for stat in store.list(ENDED_SESSIONS)] == [ENDED_SESSIONS + "cd"]
    assert KEPT_FOR.total_seconds() > SESSION_S
