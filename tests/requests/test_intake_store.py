"""The intake store: encrypted, written once, read back whole, and nothing removed too early."""

from __future__ import annotations

import os

import pytest

from addon.errors import KeyMissing, NotStored, StoreUnavailable, Tampered
from addon.requests.intake_store import IntakeStore
from addon.requests.results import StoredResult

ANSWER = StoredResult({"status": "successful", "code": None}, final=True, archivable=True)


@pytest.fixture
def intake_store(services) -> IntakeStore:
    return services.intake_store


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 1_000_003])
def test_what_was_accepted_comes_back(intake_store, size):
    audio = os.urandom(size)
    assert intake_store.accept("XR1", "marketplace", '{"a": "ä"}', [audio[:7], audio[7:]])
    record = intake_store.open("XR1")
    assert (record.source, record.request) == ("marketplace", '{"a": "ä"}')
    assert b"".join(record.audio) == audio


def test_the_first_record_stays(intake_store):
    assert intake_store.accept("XR1", "marketplace", "first", [b"1"])
    assert not intake_store.accept("XR1", "marketplace", "second", [b"2"])
    assert intake_store.open("XR1").request == "first"


def test_a_record_that_the_store_cut_is_written_again(intake_store, monkeypatch):
    """A store that says yes to half of a PUT: the sender gets a 503 and comes again."""
    whole = intake_store.store.put

    def half(key, blocks, **options):
        content = b"".join(blocks)
        whole(key, [content[: len(content) // 2]], **options)
        raise StoreUnavailable("the bucket lost what it had just taken")

    audio = [os.urandom(100_000)]
    with monkeypatch.context() as patch:
        patch.setattr(intake_store.store, "put", half)
        with pytest.raises(StoreUnavailable):
            intake_store.accept("XR1", "marketplace", "{}", audio)
    intake_store.accept("XR1", "marketplace", "{}", audio)
    assert b"".join(intake_store.open("XR1").audio) == audio[0]


def test_a_record_that_is_whole_is_not_read_again_for_a_duplicate(intake_store, monkeypatch):
    read = []
    genuine = intake_store.store.read

    def counted(*arguments, **options):
        for block in genuine(*arguments, **options):
            read.append(len(block))
            yield block

    audio = [os.urandom(3_000_000)]
    assert intake_store.accept("XR1", "marketplace", "{}", audio)
    monkeypatch.setattr(intake_store.store, "read", counted)
    assert not intake_store.accept("XR1", "marketplace", "{}", audio)
    assert sum(read) < 2_000_000


def test_an_upload_that_breaks_off_leaves_nothing(intake_store):
    def broken():
        yield b"x" * 100_000
        raise ConnectionError

    with pytest.raises(ConnectionError):
        intake_store.accept("XR1", "marketplace", "{}", broken())
    assert list(intake_store.waiting()) == []


def test_what_waits_is_listed_until_it_is_finished(intake_store):
    for sid in ("XR2", "XR1", "XR3"):
        intake_store.accept(sid, "marketplace", "{}")
    assert list(intake_store.waiting()) == ["XR1", "XR2", "XR3"]
    intake_store.remove("XR2")
    intake_store.remove("XR2")
    assert list(intake_store.waiting()) == ["XR1", "XR3"]
    with pytest.raises(NotStored):
        intake_store.open("XR2")


def test_the_result_that_is_stored_first_is_the_one_that_stays(intake_store):
    assert intake_store.stored_result("XR1") is None
    assert intake_store.store_result("XR1", ANSWER)
    assert not intake_store.store_result(
        "XR1", StoredResult({"status": "failed"}, final=True, archivable=False)
    )
    assert intake_store.stored_result("XR1") == ANSWER
    intake_store.nothing_to_archive("XR1", ANSWER)
    kept = intake_store.stored_result("XR1")
    assert (kept.answer, kept.archivable) == (ANSWER.answer, False)


def test_the_outcome_outlives_the_work(intake_store):
    intake_store.accept("XR1", "marketplace", "{}")
    intake_store.record_outcome("XR1", {"answer": "delivered"})
    intake_store.remove("XR1")
    assert intake_store.outcome("XR1") == {"answer": "delivered"}
    assert intake_store.outcome("XR2") is None


def test_nothing_is_readable_in_the_store(intake_store):
    intake_store.accept(
        "XR1", "marketplace", '{"callback": "https://secret.example"}', [b"speech" * 99]
    )
    intake_store.store_result(
        "XR1", StoredResult({"message": "speech"}, final=True, archivable=True)
    )
    for stat in intake_store.store.list(""):
        content = b"".join(intake_store.store.read(stat.key))
        assert b"secret.example" not in content
        assert b"speech" not in content


def test_another_key_does_not_open_it(intake_store, services):
    intake_store.accept("XR1", "marketplace", "{}")
    with pytest.raises((Tampered, KeyMissing)):
        IntakeStore.from_settings(
            services.settings.replace(intake_key=(os.urandom(32),)), services.store
        ).open("XR1")


def test_a_record_under_another_name_is_refused(intake_store):
    intake_store.accept("XR1", "marketplace", "{}", [b"audio"])
    moved = b"".join(intake_store.store.read("intake/XR1"))
    intake_store.store.put("intake/XR2", [moved])
    with pytest.raises(Tampered):
        intake_store.open("XR2")


@pytest.mark.parametrize("place", [0, 40, -1])
def test_a_changed_record_is_refused(intake_store, place):
    intake_store.accept("XR1", "marketplace", "{}", [b"audio" * 1000])
    content = bytearray(b"".join(intake_store.store.read("intake/XR1")))
    content[place] ^= 1
    intake_store.store.put("intake/XR1", [bytes(content)], if_absent=False)
    with pytest.raises((Tampered, KeyMissing)):
        b"".join(intake_store.open("XR1").audio)


def test_what_is_removed_half_way_is_still_waiting_and_has_no_result(intake_store, monkeypatch):
    """The other way round a crash would leave a result that nobody looks for."""
    intake_store.accept("XR1", "marketplace", "{}")
    intake_store.store_result("XR1", ANSWER)
    remove, removed = intake_store.store.delete, []

    def once(key: str) -> None:
        if removed:
            raise ConnectionError
        removed.append(key)
        remove(key)

    monkeypatch.setattr(intake_store.store, "delete", once)
    with pytest.raises(ConnectionError):
        intake_store.remove("XR1")
    assert intake_store.is_waiting("XR1")
    assert intake_store.stored_result("XR1") is None


def test_the_key_is_changed_while_requests_are_open(intake_store, services):
    """Old alone, old and new, new and old, new alone: nobody misses a record at any step."""
    old, new = services.settings.intake_key[0], os.urandom(32)

    def with_keys(*keys):
        changed = services.settings.replace(intake_key=keys)
        return IntakeStore.from_settings(changed, services.store)

    settled = StoredResult({"message": "done"}, final=True, archivable=True)
    for sid, writer in (("XR1", intake_store), ("XR2", with_keys(new, old))):
        writer.accept(sid, "marketplace", "{}", [b"audio"])
        writer.store_result(sid, settled)
        for reader in (with_keys(old, new), with_keys(new, old)):
            assert b"".join(reader.open(sid).audio) == b"audio"
            assert reader.stored_result(sid) == settled
            assert not reader.accept(sid, "marketplace", "{}", [b"audio"])
    assert b"".join(with_keys(new).open("XR2").audio) == b"audio"
    with pytest.raises(KeyMissing):
        with_keys(new).open("XR1")
