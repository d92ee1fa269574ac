"""Checkpoints of the access log: an end that was removed shows, whatever else was put back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from addon.archive import access_log_checkpoint
from addon.archive.access_log import AccessLog
from addon.archive.access_log_check import AccessLogCheck
from addon.archive.access_log_checkpoint import BATCH, KIND, STALE_AFTER, Checkpoints, read
from addon.archive.prefixes import AUDIT, AUDIT_CHECKPOINT, AUDIT_HEADS
from addon.archive.signed_documents import DocumentSigner
from addon.archive.store import Store
from addon.errors import StoreUnavailable, Tampered

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
SIGNER = DocumentSigner([b"k" * 32])


@pytest.fixture(params=["directory", "bucket"])
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log_checkpoint, "EVERY_S", 0.0)


def record(log: AccessLog, *numbers: int) -> None:
    for number in numbers:
        log.record("XD1", "RE1", "heard", {}, at=AT + timedelta(seconds=number))


def contents(store: Store, *prefixes: str) -> dict[str, bytes]:
    return {stat.key: store.get(stat.key) for prefix in prefixes for stat in store.list(prefix)}


def put_back(store: Store, before: dict[str, bytes], *prefixes: str) -> None:
    """Make the store what it was, as whoever can write and delete there would."""
    for key in contents(store, *prefixes).keys() - before.keys():
        store.delete(key)
    for key, content in before.items():
        store.put(key, [content], if_absent=False)


def missing(store: Store, *, later: timedelta = timedelta()) -> list[str]:
    check = AccessLogCheck(store, SIGNER, now=datetime.now(UTC) + later)
    return [finding.reason for finding in check.run() if finding.state != "genuine"]


def test_a_removed_end_shows_although_its_older_head_was_put_back(store) -> None:
    log = AccessLog(store, SIGNER)
    record(log, 1)
    before = contents(store, AUDIT, AUDIT_HEADS)
    record(log, 2, 3)
    Checkpoints(store, SIGNER).step()
    assert missing(store) == []
    put_back(store, before, AUDIT, AUDIT_HEADS)
    assert len(missing(store)) == 2


def test_a_chain_that_was_removed_whole_shows(store) -> None:
    record(AccessLog(store, SIGNER), 1, 2)
    Checkpoints(store, SIGNER).step()
    put_back(store, {}, AUDIT, AUDIT_HEADS)
    assert len(missing(store)) == 2


def test_an_older_checkpoint_that_is_put_back_shows_by_its_age(store) -> None:
    log = AccessLog(store, SIGNER)
    record(log, 1)
    Checkpoints(store, SIGNER).step()
    before = contents(store, AUDIT, AUDIT_HEADS, AUDIT_CHECKPOINT)
    record(log, 2, 3)
    put_back(store, before, AUDIT, AUDIT_HEADS)
    assert missing(store) == []  # the limit: within the period
    (reason,) = missing(store, later=STALE_AFTER + timedelta(seconds=1))
    assert reason.startswith("a checkpoint since")


def test_a_sweeper_that_saw_more_signs_it_again(store, always) -> None:
    log, checkpoints = AccessLog(store, SIGNER), Checkpoints(store, SIGNER)
    record(log, 1)
    checkpoints.step()
    before = contents(store, AUDIT, AUDIT_HEADS, AUDIT_CHECKPOINT)
    record(log, 2)
    checkpoints.step()
    put_back(store, before, AUDIT, AUDIT_HEADS, AUDIT_CHECKPOINT)
    checkpoints.step()
    assert missing(store) == ["event 2 of chain " + next(iter(read(store, SIGNER).heads))]


def test_another_sweeper_goes_on_from_the_checkpoint(store) -> None:
    record(AccessLog(store, SIGNER), 1, 2)
    Checkpoints(store, SIGNER).step()
    put_back(store, {}, AUDIT_HEADS)
    Checkpoints(store, SIGNER).step()
    assert list(read(store, SIGNER).heads.values()) == [2]


PLANTED: dict[str, Callable[[], bytes]] = {
    "garbage": lambda: b"\xff",
    "empty": lambda: b"",
    "huge": lambda: b" " * 17_000_000,
    "unsigned": lambda: b'{"version": 1, "at": "2026-01-01T00:00:00Z", "heads": {}}',
    "another kind": lambda: SIGNER.sign("outcome", AUDIT_CHECKPOINT, {"heads": {}}),
    "newer": lambda: SIGNER.sign(KIND, AUDIT_CHECKPOINT, {"version": 99}),
    "another form": lambda: SIGNER.sign(KIND, AUDIT_CHECKPOINT, {"version": 1, "heads": 1}),
}


@pytest.mark.parametrize("content", PLANTED.values(), ids=PLANTED)
def test_a_planted_checkpoint_is_named_and_written_over(store, content) -> None:
    record(AccessLog(store, SIGNER), 1)
    store.put(AUDIT_CHECKPOINT, [content()])
    assert len(missing(store)) == 1
    Checkpoints(store, SIGNER).step()
    assert missing(store) == []


def test_it_is_written_in_turns_and_then_rests(directory) -> None:
    for number in range(BATCH + 1):
        record(AccessLog(directory, SIGNER), number)
    checkpoints = Checkpoints(directory, SIGNER)
    checkpoints.step()
    assert missing(directory) == ["no sweeper has left a checkpoint"]
    checkpoints.step()
    assert len(read(directory, SIGNER).heads) == BATCH + 1
    directory.delete(AUDIT_CHECKPOINT)
    checkpoints.step()
    assert directory.stat(AUDIT_CHECKPOINT) is None


def test_it_begins_again_after_the_store_was_away(directory, monkeypatch) -> None:
    def away(*_args: object, **_kwargs: object) -> None:
        raise StoreUnavailable("the store does not answer")

    checkpoints = Checkpoints(directory, SIGNER)
    with monkeypatch.context() as patch:
        patch.setattr(directory, "put", away)
        with pytest.raises(StoreUnavailable):
            checkpoints.step()
    checkpoints.step()
    assert read(directory, SIGNER).heads == {}


def test_a_checkpoint_of_another_key_is_not_believed(directory) -> None:
    Checkpoints(directory, DocumentSigner([b"x" * 32])).step()
    with pytest.raises(Tampered):
        read(directory, SIGNER)
