"""The journal: sealed, written once, read back whole, and nothing removed too early."""

from __future__ import annotations

import os

import pytest

from addon.errors import KeyMissing, NotStored, Tampered
from addon.journal import Journal, Kept

ANSWER = Kept({"status": "successful", "code": None}, final=True, archivable=True)


@pytest.fixture
def journal(services) -> Journal:
    return services.journal


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 1_000_003])
def test_what_was_accepted_comes_back(journal, size):
    audio = os.urandom(size)
    assert journal.accept("XR1", "marketplace", '{"a": "ä"}', [audio[:7], audio[7:]])
    record = journal.open("XR1")
    assert (record.source, record.request) == ("marketplace", '{"a": "ä"}')
    assert b"".join(record.audio) == audio


def test_the_first_record_stays(journal):
    assert journal.accept("XR1", "marketplace", "first", [b"1"])
    assert not journal.accept("XR1", "marketplace", "second", [b"2"])
    assert journal.open("XR1").request == "first"


def test_an_upload_that_breaks_off_leaves_nothing(journal):
    def broken():
        yield b"x" * 100_000
        raise ConnectionError

    with pytest.raises(ConnectionError):
        journal.accept("XR1", "marketplace", "{}", broken())
    assert list(journal.waiting()) == []


def test_what_waits_is_listed_until_it_is_finished(journal):
    for sid in ("XR2", "XR1", "XR3"):
        journal.accept(sid, "marketplace", "{}")
    assert list(journal.waiting()) == ["XR1", "XR2", "XR3"]
    journal.finish("XR2")
    journal.finish("XR2")
    assert list(journal.waiting()) == ["XR1", "XR3"]
    with pytest.raises(NotStored):
        journal.open("XR2")


def test_the_answer_that_is_kept_first_is_the_one_that_stays(journal):
    assert journal.kept("XR1") is None
    assert journal.keep("XR1", ANSWER)
    assert not journal.keep("XR1", Kept({"status": "failed"}, final=True, archivable=False))
    assert journal.kept("XR1") == ANSWER
    journal.nothing_to_archive("XR1", ANSWER)
    kept = journal.kept("XR1")
    assert (kept.answer, kept.archivable) == (ANSWER.answer, False)


def test_the_outcome_outlives_the_work(journal):
    journal.accept("XR1", "marketplace", "{}")
    journal.conclude("XR1", {"answer": "delivered"})
    journal.finish("XR1")
    assert journal.outcome("XR1") == {"answer": "delivered"}
    assert journal.outcome("XR2") is None


def test_nothing_is_readable_in_the_store(journal):
    journal.accept("XR1", "marketplace", '{"callback": "https://secret.example"}', [b"speech" * 99])
    journal.keep("XR1", Kept({"message": "speech"}, final=True, archivable=True))
    for stat in journal.store.list(""):
        content = b"".join(journal.store.read(stat.key))
        assert b"secret.example" not in content
        assert b"speech" not in content


def test_another_key_does_not_open_it(journal, services):
    journal.accept("XR1", "marketplace", "{}")
    with pytest.raises((Tampered, KeyMissing)):
        Journal(services.store, os.urandom(32)).open("XR1")


def test_a_record_under_another_name_is_refused(journal):
    journal.accept("XR1", "marketplace", "{}", [b"audio"])
    moved = b"".join(journal.store.read("intake/XR1"))
    journal.store.put("intake/XR2", [moved])
    with pytest.raises(Tampered):
        journal.open("XR2")


@pytest.mark.parametrize("place", [0, 40, -1])
def test_a_changed_record_is_refused(journal, place):
    journal.accept("XR1", "marketplace", "{}", [b"audio" * 1000])
    content = bytearray(b"".join(journal.store.read("intake/XR1")))
    content[place] ^= 1
    journal.store.put("intake/XR1", [bytes(content)], if_absent=False)
    with pytest.raises((Tampered, KeyMissing)):
        b"".join(journal.open("XR1").audio)
